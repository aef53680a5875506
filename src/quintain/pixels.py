"""Pictures as values: H x W x 3 uint8 arrays in Python, PNG files in JSON and in stores."""

from __future__ import annotations

import base64
import io
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """H x W x 3 uint8 pixels as a PNG file (fast, lightly compressed)."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def decode_png(data: bytes) -> NDArray[np.uint8]:
    """A PNG file as H x W x 3 uint8 pixels."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _pixels(value: object) -> NDArray[np.uint8]:
    if isinstance(value, str):
        value = decode_png(base64.b64decode(value.removeprefix("data:image/png;base64,")))
    if not (isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 3 and value.shape[2] == 3):
        raise ValueError("pixels must be a uint8 array of shape (height, width, 3), or a base64 PNG")
    return value


Pixels = Annotated[
    NDArray[np.uint8],
    BeforeValidator(_pixels),
    PlainSerializer(lambda value: base64.b64encode(encode_png(value)).decode("ascii"), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}),
]
"""H x W x 3 uint8; a base64 PNG in JSON."""
