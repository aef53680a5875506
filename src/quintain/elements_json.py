"""How `Elements` crosses into JSON and pydantic models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import UsageError
from .roles import ROLES, STATES, role_code, state_bits

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

    from .elements import Elements


def dump(elements: Elements) -> dict[str, Any]:
    """See `Elements.to_jsonable`; the tables of names travel along, so that stored codes outlive a change of the tables."""
    tags = sorted(set(elements.tag))
    codes = {tag: code for code, tag in enumerate(tags)}
    return {
        "roles": list(ROLES),
        "state_names": list(STATES),
        "tags": tags,
        "ref": elements.ref.tolist(),
        "parent": elements.parent.tolist(),
        "role": elements.role.tolist(),
        "name": list(elements.name),
        "value": {str(row): value for row, value in enumerate(elements.value) if value is not None},
        "tag": [codes[tag] for tag in elements.tag],
        "attributes": {str(row): dict(each) for row, each in enumerate(elements.attributes) if each is not None},
        "box": [int(number) if number.is_integer() else number for number in elements.box.ravel().tolist()],
        "states": elements.states.tolist(),
    }


def columns(data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Elements` from its JSON form; `UsageError` for data that is no such form."""
    try:
        count, tags = len(data["ref"]), data["tags"]
        roles = np.array([role_code(name) for name in data["roles"]], np.uint8)
        return {
            "ref": _integers(data["ref"], np.int32),
            "parent": _integers(data["parent"], np.int32),
            "role": roles[_integers(data["role"], np.uint8)],
            "name": data["name"],
            "value": _spread(data["value"], count),
            "tag": [tags[code] for code in data["tag"]],
            "attributes": _spread(data["attributes"], count),
            "box": np.array(data["box"], np.float32).reshape(-1, 4),
            "states": _translated(_integers(data["states"], np.uint32), data["state_names"]),
        }
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UsageError(f"malformed elements ({reason}); expected what Elements.to_jsonable gives") from error


def core_schema(cls: type[Elements]) -> CoreSchema:
    """In Python an instance (or its JSON form, which is loaded), in JSON what `to_jsonable` gives."""
    from pydantic_core import core_schema as schema

    def load(data: dict[str, Any]) -> Elements:
        try:
            return cls.from_jsonable(data)
        except UsageError as error:
            raise ValueError(str(error)) from error

    loaded = schema.no_info_after_validator_function(load, schema.dict_schema())
    return schema.json_or_python_schema(
        json_schema=loaded,
        python_schema=schema.union_schema([schema.is_instance_schema(cls), loaded], mode="left_to_right"),
        serialization=schema.plain_serializer_function_ser_schema(dump, when_used="json"),
    )


def _integers(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    return np.array(values, dtype)


def _spread(sparse: Mapping[str, Any], count: int) -> list[Any]:
    column: list[Any] = [None] * count
    for row, value in sparse.items():
        column[int(row)] = value
    return column


def _translated(stored: NDArray[np.uint32], names: list[str]) -> NDArray[np.uint32]:
    if tuple(names) == STATES[: len(names)]:
        return stored
    states = np.zeros_like(stored)
    for bit, name in enumerate(names):
        states |= np.where(stored & np.uint32(1 << bit), np.uint32(state_bits([name])), np.uint32(0))
    return states
