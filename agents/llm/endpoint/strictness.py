"""Whether a JSON schema is in the part of the language that strict decoding takes."""

from __future__ import annotations

from pydantic import JsonValue

_REFUSED = frozenset(
    {"oneOf", "allOf", "not", "if", "then", "else", "patternProperties", "dependentRequired", "dependentSchemas"}
)


def strict(schema: JsonValue, *, root: bool = True) -> bool:
    """True where each object is closed and requires all its properties, and nothing else stands in the way.

    https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas".
    """
    if not isinstance(schema, dict):
        return False
    if _REFUSED & schema.keys() or (root and (schema.get("type") != "object" or "anyOf" in schema)):
        return False
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        return False
    if schema.get("type") == "object" or "properties" in schema:
        required = schema.get("required", [])
        whole = isinstance(required, list) and set(properties) == set(map(str, required))
        if schema.get("additionalProperties") is not False or not whole:
            return False
    return all(strict(part, root=False) for part in _parts(schema, properties))


def _parts(schema: dict[str, JsonValue], properties: dict[str, JsonValue]) -> list[JsonValue]:
    definitions, choices = schema.get("$defs", {}), schema.get("anyOf", [])
    found = [*properties.values()]
    found += definitions.values() if isinstance(definitions, dict) else []
    found += choices if isinstance(choices, list) else []
    return [*found, schema["items"]] if "items" in schema else found
