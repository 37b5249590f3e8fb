"""Personal data: cut out before anything is stored, the same pseudonym everywhere, all other bytes as they came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from pipeline.errors import ConfigurationError
from pipeline.ingest.pages import Unreadable
from pipeline.ingest.paths import parse_path
from pipeline.ingest.personal import Cutter
from tests.connections.making import Reply, Server, Tenant

SINGLE: dict[str, Any] = {"paging": {"kind": "single_page"}}
PERSONAL = {
    "user.email": "pseudonymise",
    "user.name": "drop",
    "readers[*].email": "pseudonymise",
    "phones": "drop",
    "user.id": "keep",
}


def cutter(key: str = "k", **paths: Any) -> Cutter:
    return Cutter({parse_path(path): policy for path, policy in paths.items()}, key.encode())


def stored(tenant: Tenant) -> bytes:
    found = b""
    for path in tenant.home.landing.rglob("*.zst"):
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            found += stream.read()
    return found + tenant.journal.path.read_bytes()


def test_what_is_personal_reaches_no_file_and_the_rest_stays_byte_for_byte(tmp_path: Path) -> None:
    record = (
        '{"asset_id": "a", "size": 1.50, "big": 1234567890123456, "user": {"id": 7, "name": "Ann Ominous",'
        ' "email": "ann@example.org"}, "readers": [{"email": "ann@example.org"}, {"email": null}], "phones": ["0815"]}'
    )
    with Server(lambda _: Reply(text=f'{{"items": [{record}]}}')) as server:
        profile = {"defaults": {**SINGLE, "personal": PERSONAL}}
        tenant = Tenant(tmp_path, server.url, profile, secrets={"pseudonym_key": "key-1"})
        tenant.pull_well()
    (kept,) = tenant.landed()
    alias = kept["user"]["email"]
    assert alias.startswith("pn-")
    assert len(alias) == 35
    assert kept["user"] == {"id": 7, "email": alias}
    assert kept["readers"] == [{"email": alias}, {"email": None}]
    everything = stored(tenant)
    assert b"1.50" in everything
    assert b"1234567890123456" in everything
    for secret in (b"ann@example.org", b"Ann Ominous", b"0815", b"key-1"):
        assert secret not in everything


def test_a_pseudonym_depends_on_the_key_and_on_the_value_only() -> None:
    one, other = cutter("k", a="pseudonymise"), cutter("l", b="pseudonymise")
    assert one.cut(b'{"a":"x"}') == b'{"a":"%s"}' % one.pseudonym("x").encode()
    assert cutter("k", b="pseudonymise").pseudonym("x") == one.pseudonym("x")
    assert other.pseudonym("x") != one.pseudonym("x")
    assert one.pseudonym("y") != one.pseudonym("x")
    assert one.pseudonym(5) == one.pseudonym("5")


@pytest.mark.parametrize(
    ("raw", "paths", "kept"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a.b": "drop"}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a[0]": "drop"}, {"a": [None, 2]}),
        (
            {"a": [{"k": "x", "v": 1}, {"k": "y", "v": 2}]},
            {"a[k=y].v": "drop"},
            {"a": [{"k": "x", "v": 1}, {"k": "y"}]},
        ),
        ({"a": "text"}, {"a.b": "drop"}, {"a": "text"}),
        ({"z": 1}, {"a": "drop"}, {"z": 1}),
        ({"a": None}, {"a": "pseudonymise"}, {"a": None}),
        ({"a": 1, "b": 1}, {"a": "drop", "a.x": "drop"}, {"b": 1}),
    ],
)
def test_only_what_a_path_names_goes(raw: Any, paths: dict[str, Any], kept: Any) -> None:
    found = cutter("k", **paths).cut(json.dumps(raw).encode())
    assert isinstance(found, bytes)
    assert json.loads(found) == kept


@pytest.mark.parametrize("raw", [b'{"a":"ann","a":"bob"}', b'{"a":"ann"', b'["ann"]', b'{"a":"ann\\u0000"}'])
def test_of_what_nobody_can_read_nothing_is_kept_but_its_hash(raw: bytes) -> None:
    found = cutter("k", a="drop").cut(raw)
    assert isinstance(found, Unreadable)
    assert found.raw == b""
    assert "may hold personal data (sha256 " in found.reason
    assert "ann" not in found.reason


def test_pseudonyms_need_a_key(tmp_path: Path) -> None:
    profile = {"defaults": {**SINGLE, "personal": {"email": "pseudonymise"}}}
    with pytest.raises(ConfigurationError, match="needs a key for them"):
        Tenant(tmp_path, "http://127.0.0.1:1", profile).pull()


def test_dropping_needs_none(tmp_path: Path) -> None:
    with Server(lambda _: {"items": [{"asset_id": "a", "email": "x"}]}) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {**SINGLE, "personal": {"email": "drop"}}})
        tenant.pull_well()
    assert tenant.landed() == [{"asset_id": "a"}]
