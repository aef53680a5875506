"""A `gymnasium.Space` over a pydantic model, and how its values cross into Gymnasium's vector environments."""

from __future__ import annotations

import ctypes
import math
import os
import pickle
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, overload

import annotated_types
import gymnasium
import numpy as np
from gymnasium.vector.utils.shared_memory import create_shared_memory, read_from_shared_memory, write_to_shared_memory
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

T = TypeVar("T")


class ModelSpace(gymnasium.Space[T], Generic[T]):
    """All valid values of a pydantic model, or of a union of models that are told apart by `kind`.

    `contains` validates, `sample` draws a valid value, `to_jsonable` and `from_jsonable` round-trip batches, `json_schema` is
    what a language model is given as its tool definition.
    """

    def __init__(self, *models: type[BaseModel], seed: int | np.random.Generator | None = None) -> None:
        if not models:
            raise ValueError("a ModelSpace needs at least one model")
        self.models = models
        self._build()
        super().__init__(shape=None, dtype=None, seed=seed)

    def _build(self) -> None:
        self._adapters: list[TypeAdapter[Any]] = [TypeAdapter(model) for model in self.models]

    @property
    def is_np_flattenable(self) -> bool:
        return False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The `kind` of each model that has one."""
        return tuple(m.model_fields["kind"].default for m in self.models if "kind" in m.model_fields)

    def contains(self, x: Any) -> bool:
        return isinstance(x, self.models)

    def sample(self, mask: Any = None, probability: Any = None) -> T:
        """A valid value; every field is drawn from the generator of this space."""
        if mask is not None or probability is not None:
            raise ValueError("a ModelSpace takes no mask and no probability")
        model = self.models[int(self.np_random.integers(len(self.models)))]
        return _sample_model(model, self.np_random)  # type: ignore[return-value]

    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of the values."""
        schemas = [adapter.json_schema() for adapter in self._adapters]
        return schemas[0] if len(schemas) == 1 else {"oneOf": schemas}

    def to_jsonable(self, sample_n: Iterable[T]) -> list[Any]:
        return [value.model_dump(mode="json") for value in sample_n]  # type: ignore[attr-defined]

    def from_jsonable(self, sample_n: list[Any]) -> list[T]:
        return [self._parse(item) for item in sample_n]

    def _parse(self, item: Any) -> T:
        for model, adapter in zip(self.models, self._adapters, strict=True):
            kind = model.model_fields.get("kind")
            if kind is None or (isinstance(item, Mapping) and item.get("kind") == kind.default):
                return adapter.validate_python(item)  # type: ignore[no-any-return]
        raise ValueError(f"no model of this space has the kind of {item!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelSpace) and self.models == other.models

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ModelSpace({', '.join(model.__name__ for model in self.models)})"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        del state["_adapters"]
        return state

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self._build()


def _sample_model(model: type[BaseModel], rng: np.random.Generator) -> BaseModel:
    """Required fields are always drawn, optional ones half of the time, from their examples where they have some.

    A draw that validators refuse is drawn again.
    """
    for _ in range(100):
        values = {
            name: _sample_field(field, rng)
            for name, field in model.model_fields.items()
            if field.is_required() or (_samplable(field.annotation) and rng.random() < 0.5)
        }
        try:
            return model(**values)
        except ValidationError:
            continue
    raise TypeError(f"cannot draw a valid {model.__name__}: its validators refused 100 draws")


def _sample_field(field: FieldInfo, rng: np.random.Generator) -> Any:
    if field.examples:
        return field.examples[int(rng.integers(len(field.examples)))]
    return _sample(field.annotation, field.metadata, rng)


def _samplable(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _samplable(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType, tuple, list, dict):
        return all(_samplable(arg) for arg in get_args(annotation))
    if get_origin(annotation) is Literal or annotation in (str, int, float, bool, type(None), Ellipsis):
        return True
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _sample(annotation: Any, metadata: Sequence[Any], rng: np.random.Generator) -> Any:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _sample(args[0], (*args[1:], *metadata), rng)
    if origin is Literal:
        return args[int(rng.integers(len(args)))]
    if origin in (Union, types.UnionType):
        return _sample(args[int(rng.integers(len(args)))], metadata, rng)
    if origin is list or (origin is tuple and args[1:] == (Ellipsis,)):
        return origin(_sample(args[0], (), rng) for _ in range(int(rng.integers(1, 4))))
    if origin is tuple:
        return tuple(_sample(arg, (), rng) for arg in args)
    if origin is dict:
        return {_sample(args[0], (), rng): _sample(args[1], (), rng) for _ in range(int(rng.integers(0, 3)))}
    if annotation in (type(None), None):
        return None
    if annotation is bool:
        return bool(rng.integers(2))
    if annotation in (int, float):
        return _sample_number(annotation, metadata, rng)
    if annotation is str:
        return "".join(rng.choice(list("abcdefghij 0123456789"), size=int(rng.integers(1, 12))))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _sample_model(annotation, rng)
    raise TypeError(f"cannot draw a value of {annotation!r}")


def _sample_number(kind: type, metadata: Sequence[Any], rng: np.random.Generator) -> int | float:
    low, high = 0.0, 300.0
    for constraint in _flatten(metadata):
        if isinstance(constraint, annotated_types.Ge):
            low = float(constraint.ge)  # type: ignore[arg-type]
        elif isinstance(constraint, annotated_types.Gt):
            low = float(constraint.gt) + (1 if kind is int else 1e-6)  # type: ignore[arg-type]
        elif isinstance(constraint, annotated_types.Le):
            high = float(constraint.le)  # type: ignore[arg-type]
        elif isinstance(constraint, annotated_types.Lt):
            high = float(constraint.lt) - (1 if kind is int else 1e-6)  # type: ignore[arg-type]
    high = max(low, high if math.isfinite(high) else low + 300)
    return int(rng.integers(int(low), int(high) + 1)) if kind is int else float(rng.uniform(low, high))


def _flatten(metadata: Sequence[Any]) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _flatten(item.metadata)
        elif isinstance(item, annotated_types.GroupedMetadata):
            yield from item
        else:
            yield item


# --- AsyncVectorEnv shares observations between processes; a model travels pickled through one slot an environment. ---

SLOT_BYTES = 4 * 1024 * 1024
"""Memory a slot; a larger value is handed over in an anonymous file, which ends with the process that wrote it."""
_HEADER = 9


_spilled: dict[int, int] = {}
"""File descriptors of this process by the address of the slot that they extend."""


class SharedSlots(Sequence[Any]):
    """The observations in shared memory, read when asked for; `copy.deepcopy` takes them out as a plain tuple."""

    def __init__(self, memory: Sequence[Any], space: ModelSpace[Any]) -> None:
        self._memory, self._space = memory, space

    def __len__(self) -> int:
        return len(self._memory)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        return _read_slot(self._memory[index])

    def __deepcopy__(self, memo: dict[int, Any]) -> tuple[Any, ...]:
        return tuple(self)


def _read_slot(slot: Any) -> Any:
    view = memoryview(slot).cast("B")
    size = int.from_bytes(view[1:_HEADER], "little")
    if size == 0:
        return None
    data = bytes(view[_HEADER : _HEADER + size])
    return pickle.loads(Path(data.decode()).read_bytes() if view[0] else data)


def _write_slot(slot: Any, value: Any) -> None:
    view = memoryview(slot).cast("B")
    if (former := _spilled.pop(ctypes.addressof(slot), None)) is not None:
        os.close(former)
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    spilled = len(data) > SLOT_BYTES - _HEADER
    if spilled:
        file = _spilled[ctypes.addressof(slot)] = os.memfd_create("quintain-slot")
        _write_all(file, data)
        data = f"/proc/{os.getpid()}/fd/{file}".encode()
    view[_HEADER : _HEADER + len(data)] = data
    view[1:_HEADER] = len(data).to_bytes(8, "little")
    view[0] = int(spilled)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


@create_shared_memory.register(ModelSpace)
def _create(space: ModelSpace[Any], n: int = 1, ctx: BaseContext | None = None) -> list[Any]:
    import multiprocessing

    return [(ctx or multiprocessing.get_context()).RawArray("c", SLOT_BYTES) for _ in range(n)]


@read_from_shared_memory.register(ModelSpace)
def _read(space: ModelSpace[Any], shared_memory: Any, n: int = 1) -> SharedSlots:
    return SharedSlots(shared_memory, space)


@write_to_shared_memory.register(ModelSpace)
def _write(space: ModelSpace[Any], index: int, value: Any, shared_memory: Any) -> None:
    _write_slot(shared_memory[index], value)
