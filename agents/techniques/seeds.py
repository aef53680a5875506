"""Seeds of the parts of a technique, so that it repeats under the seed of its episode."""

from __future__ import annotations

import hashlib


def derived(seed: int, *place: int | str) -> int:
    """A seed below 2**32 (which NumPy's old generators and model endpoints all take) for a part of what `seed` began.

    The same seed and place give the same one; other places give unrelated ones, nested techniques included.
    """
    name = "/".join(map(str, (seed, *place)))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
