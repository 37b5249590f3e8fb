"""The streams and their fields, as a page for whoever maps an API onto them.

Belongs here: making docs/streams.md of the catalog and the contracts. Does not belong here: the catalog
(``pipeline.streams``), the contracts (``connections/*/openapi.yaml``).
``python -m pipeline.ingest.streams_reference`` writes it anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline.streams import STREAMS, Field, FieldType, Stream, System

CONNECTIONS: Final = Path(__file__).parents[2] / "connections"
FILE: Final = Path(__file__).parents[2] / "docs" / "streams.md"
_HEAD: Final = """\
# The streams and their fields

What a profile maps a tenant's API onto, and what files of a `files` connection have. Made from the catalog
(`pipeline/streams.py`) and the contracts (`connections/*/openapi.yaml`) by
`python -m pipeline.ingest.streams_reference`.

A field in **bold** is part of the record's key; a record without a *required* field is quarantined. Ids are opaque,
case-sensitive texts. An *instant* is RFC 3339 (`2026-03-02T08:00:00Z`; without an offset it is taken for UTC); a *local
time* has no offset. A *list* is a JSON list of texts. A tenant that lacks a stream leaves it out of its connection's
`streams`; of some that has to be said otherwise too ([connections.md](connections.md), Streams that a tenant lacks).
"""
_TYPES: Final = {
    FieldType.TEXT: "text",
    FieldType.INTEGER: "whole number",
    FieldType.BOOLEAN: "true or false",
    FieldType.INSTANT: "instant",
    FieldType.LOCAL: "local time",
    FieldType.TEXTS: "list",
}
_REFERENCE: Final = re.compile(r"#/components/schemas/(\w+)")


def streams_text() -> str:
    """Return the page."""
    parts = [_HEAD]
    for system in System:
        contract = yaml.safe_load((CONNECTIONS / system / "openapi.yaml").read_text(encoding="utf-8"))
        parts.append(f"\n## {'VIP' if system is System.VIP else 'Trading Grid'}\n")
        parts += [_section(stream, contract) for stream in STREAMS.values() if stream.system is system]
    return "".join(parts)


def _section(stream: Stream, contract: Mapping[str, Any]) -> str:
    told = _properties(stream, contract)
    rows = "".join(f"| {_name(stream, field)} | {_type(field)} | {_said(field, told)} |\n" for field in stream.fields)
    return f"\n### {stream.name}\n\n| field | type | |\n|---|---|---|\n{rows}"


def _name(stream: Stream, field: Field) -> str:
    return f"**`{field.name}`**" if field.name in stream.key else f"`{field.name}`"


def _type(field: Field) -> str:
    return f"{_TYPES[field.type]}{', *required*' if field.is_required else ''}"


def _said(field: Field, told: Mapping[str, Any]) -> str:
    own = told.get(field.name, {})
    values = own.get("enum") or own.get("items", {}).get("enum") or []
    named = ", ".join(f"`{value}`" for value in values if value is not None)
    return ". ".join(part for part in (named, " ".join(str(own.get("description", "")).split())) if part)


def _properties(stream: Stream, contract: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the contract says of a stream's fields: of the schema that the stream's list refers to."""
    answer = contract["paths"].get(f"/v1/{stream.name}", {}).get("get", {}).get("responses", {}).get("200", {})
    schemas = contract["components"]["schemas"]
    for name in _REFERENCE.findall(str(answer.get("content", ""))):
        properties: Mapping[str, Any] = schemas[name].get("properties", {})
        if set(stream.key) <= set(properties):
            return {field: _resolved(own, schemas) for field, own in properties.items()}
    return {}


def _resolved(own: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _REFERENCE.fullmatch(str(own.get("$ref", "")))
    return {**schemas[found[1]], **own} if found and "enum" in schemas[found[1]] else own


if __name__ == "__main__":
    FILE.write_text(streams_text(), encoding="utf-8")
