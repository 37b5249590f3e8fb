"""The profile's JSON Schema: equal to the types, and of one mind with them about every shipped profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipeline.errors import ConfigurationError
from pipeline.ingest.profile import load_profile
from pipeline.ingest.profile_schema import FILE, profile_schema_text

SHIPPED = sorted(FILE.parent.glob("*/*.yaml"))
PROFILES = [path for path in SHIPPED if path.name != "openapi.yaml"]


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_file_is_what_the_types_say() -> None:
    assert FILE.read_text(encoding="utf-8") == profile_schema_text(), "run python -m pipeline.ingest.profile_schema"


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_shipped_profile_keeps_to_the_schema_and_names_it(path: Path, validator: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../profile.schema.json\n")
    # Editors read stamps as texts.
    as_editors_do = json.loads(json.dumps(yaml.safe_load(text), default=str))
    assert [error.message for error in validator.iter_errors(as_editors_do)] == []
    load_profile(path)


@pytest.mark.parametrize(
    "text",
    [
        "defaults: {incremental: {lookback: soon}}",
        "defaults: {paging: {kind: magic}}",
        "defaults: {pageing: {kind: cursor}}",
        "streams: {asets: {}}",
        "streams: {assets: {mapping: {titel: t}}}",
        "auth: {kind: session_token}",
        "limits: {concurrency: 0}",
        "defaults: {errors: [{status: [404]}]}",
        "defaults: {nested: [{inherit: {a: b}}]}",
        "writes: {post_notce: {path: /n}}",
        "writes: {post_notice: {path: /n, fields: {partner: p}}}",
        "writes: {post_notice: {path: /n, drop: [partner]}}",
    ],
)
def test_what_the_schema_refuses_is_refused_by_the_program_too(tmp_path: Path, text: str, validator: Any) -> None:
    assert list(validator.iter_errors(yaml.safe_load(text)))
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError):
        load_profile(path)
