"""Names to models: ``model("openai:gpt-4o-mini")``."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from quintain.agents.llm.endpoint.endpoint import Endpoint, EndpointConfig
from quintain.agents.llm.endpoint.providers import PROVIDERS, Provider, at, url_variable
from quintain.agents.llm.model import Abilities, Model
from quintain.errors import UsageError

_DERIVED = frozenset({"name", "model", "keys", "priced_by", "assumed"})
OPTIONS = frozenset(EndpointConfig.model_fields) - _DERIVED | {"key_variable"}
"""Of endpoints; `record` and `replay` are for every model."""


def model(name: str | Model, **options: Any) -> Model:
    """The model that a name stands for; one that is a model already is taken as it is.

    ``provider:model`` for the providers of `providers.PROVIDERS` (their keys come from the environment); ``https://host/v1#model``
    for any other endpoint of the chat-completions shape; ``local:smollm2`` or ``local:file.gguf``, in this process;
    ``scripted:answers.jsonl`` or ``scripted:file.py:function``. A provider is moved elsewhere by the option `base_url` or the
    environment variable ``QUINTAIN_<PROVIDER>_BASE_URL``.

    `record` and `replay` name a cassette: to write each answer to, or to answer from, without the model. The other options are
    those of the model: for endpoints see `EndpointConfig`, and `key_variable` names the variable of the key ("" sends none).

    Raises:
        UsageError: an unknown name or option, or a key that is not in the environment.
        Unavailable: a package that this kind of model needs is missing.
    """
    record, replay = options.pop("record", None), options.pop("replay", None)
    if record is not None and replay is not None:
        raise UsageError("a model either records or replays; give one of record and replay")
    if replay is not None:
        from quintain.agents.llm.cassette.cassette import Replayed

        return Replayed(Path(replay), name=name if isinstance(name, str) else name.name)
    made = _made(name, options)
    if record is not None:
        from quintain.agents.llm.cassette.cassette import Recorded

        return Recorded(made, Path(record))
    return made


def _made(name: str | Model, options: dict[str, Any]) -> Model:
    if not isinstance(name, str):
        if not isinstance(name, Model):
            raise UsageError(
                f"a model is a name such as 'openai:gpt-4o-mini' or has name, abilities, answer and close; got {name!r}"
            )
        if options:
            raise UsageError(f"model {name.name!r} is made already; it takes no {', '.join(sorted(options))}")
        return name
    kind, _, rest = name.partition(":")
    if kind in ("http", "https"):
        url, _, called = name.partition("#")
        return _endpoint(name, called, at(url) or Provider(url=url), options)
    if not rest or kind not in {*PROVIDERS, "local", "scripted"}:
        raise UsageError(f"unknown model {name!r}; {_advice(kind)}")
    if kind == "local":
        from quintain.agents.llm.local.model import LocalModel

        return _called(LocalModel, rest, name, options)
    if kind == "scripted":
        from quintain.agents.llm.scripted_model import ScriptedModel

        return _called(ScriptedModel.load, rest, name, options)
    provider = PROVIDERS[kind]
    return _endpoint(name, rest, provider, {"base_url": os.environ.get(url_variable(kind)) or provider.url, **options})


def _called(make: Callable[..., Model], what: str, name: str, options: dict[str, Any]) -> Model:
    try:
        inspect.signature(make).bind(what, **options)
    except TypeError:
        known = [each for each in inspect.signature(make).parameters.values() if each.kind is each.KEYWORD_ONLY]
        raise UsageError(
            f"model {name!r}: no such options: {', '.join(sorted(options))}; there are {', '.join(each.name for each in known)}"
        ) from None
    return make(what, **options)


def _endpoint(name: str, called: str, provider: Provider, options: dict[str, Any]) -> Endpoint:
    options = {"base_url": provider.url, **options}
    variable = options.pop("key_variable", None)
    if unknown := sorted(set(options) - OPTIONS):
        raise UsageError(f"model {name!r}: no option {unknown[0]!r}; there are {', '.join(sorted(OPTIONS))}, record, replay")
    _check_url(name, options["base_url"])
    if not called:
        raise UsageError(f"model {name!r}: which model? Say '{options['base_url']}#name'")
    keys = provider.keys if variable is None else (variable,) if variable else ()
    try:
        Abilities.model_validate(options.get("abilities", {}))
        config = EndpointConfig(
            name=name, model=called, keys=keys, priced_by=provider.prices, assumed=provider.abilities, **options
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"model {name!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return Endpoint(config)


def _check_url(name: str, url: object) -> None:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1)
    except ValueError:
        good = False
    if not good:
        raise UsageError(f"model {name!r}: the base URL is none; it is like 'https://host/v1'")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("a base URL of a model has no user, password, query or fragment; keys come from the environment")


def _advice(kind: str) -> str:
    near = difflib.get_close_matches(kind, [*PROVIDERS, "local", "scripted"], n=1, cutoff=0.6)
    known = f"did you mean '{near[0]}:…'?" if near else f"providers: {', '.join(PROVIDERS)}, local, scripted"
    return f"say 'provider:model' or 'https://host/v1#model'; {known}"
