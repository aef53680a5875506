"""Things of others that are given by where they are found."""

from __future__ import annotations

import importlib
from typing import Any

from quintain.errors import UsageError, one_line


def named(where: str, *, what: str) -> Any:
    """The attribute at ``package.module:attribute``; whatever is wrong with it is a `UsageError`."""
    module, _, attribute = where.partition(":")
    if not module or not attribute:
        raise UsageError(f"{what}: {where!r} is no 'module:attribute'")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise UsageError(f"{what}: {where!r} cannot be had: {one_line(error)}") from None
    return found
