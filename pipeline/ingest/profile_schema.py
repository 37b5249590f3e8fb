"""The profile's JSON Schema: what editors complete and check a profile with.

Belongs here: making it from the types. Does not belong here: the words (``pipeline.ingest.profile_*``).
``python -m pipeline.ingest.profile_schema`` writes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.ingest.profile import Profile
from pipeline.ingest.profile_writes import OPERATIONS
from pipeline.streams import STREAMS, Stream

FILE: Final = Path(__file__).parents[2] / "connections" / "profile.schema.json"
_RULE: Final = {"$ref": "#/$defs/Rule"}


def profile_schema() -> dict[str, Any]:
    """Return the schema; it names the streams and their fields, which the types do not know."""
    schema = Profile.model_json_schema()
    own = schema["$defs"]["StreamProfile"]
    schema["$defs"]["Rule"] = own["properties"]["mapping"]["additionalProperties"]
    own["properties"]["mapping"]["additionalProperties"] = _RULE
    schema["$defs"]["DeletionFeed"]["properties"]["mapping"]["additionalProperties"] = _RULE
    schema["properties"]["streams"] = {
        "description": "How each stream differs from 'defaults'.",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _of_stream(own, stream) for name, stream in STREAMS.items()},
    }
    schema["properties"]["writes"] = {
        "description": "How each operation is written.",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _of_operation(fields) for name, fields in OPERATIONS.items()},
    }
    named = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A vipgrid connection profile"}
    return {**named, **_untitled(schema)}


def profile_schema_text() -> str:
    """Return the schema as its file has it."""
    return json.dumps(profile_schema(), indent=2, ensure_ascii=False) + "\n"


def _of_operation(fields: Sequence[str]) -> dict[str, Any]:
    named = {"propertyNames": {"enum": list(fields)}}
    listed = {"items": {"enum": list(fields)}}
    words = {**dict.fromkeys(("fields", "instants", "values"), named), **dict.fromkeys(("drop", "integers"), listed)}
    return {"$ref": "#/$defs/Operation", "properties": words}


def _of_stream(own: dict[str, Any], stream: Stream) -> dict[str, Any]:
    fields = {
        field.name: {"description": f"{field.type}{', required' if field.is_required else ''}", **_RULE}
        for field in stream.fields
    }
    mapping = {
        "description": own["properties"]["mapping"]["description"],
        "type": "object",
        "additionalProperties": False,
        "properties": fields,
    }
    others = {name: {"$ref": f"#/$defs/StreamProfile/properties/{name}"} for name in own["properties"]}
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {**others, "mapping": mapping},
    }


def _untitled(value: Any) -> Any:
    """Leave out the titles that pydantic makes of names, and give descriptions one line."""
    if isinstance(value, list):
        return [_untitled(part) for part in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _untitled(part) for name, part in value.items() if name != "title" or not isinstance(part, str)}
    if isinstance(kept.get("description"), str):
        kept["description"] = " ".join(kept["description"].replace("``", "`").split())
    return kept


if __name__ == "__main__":
    FILE.write_text(profile_schema_text(), encoding="utf-8")
