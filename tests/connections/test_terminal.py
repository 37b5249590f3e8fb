"""``vipgrid connect`` and ``vipgrid quarantine``: what a person is told, and what follows from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import make_app, run
from pipeline.errors import ConfigurationError, RefusedError, SourceError
from pipeline.home import Home
from pipeline.instants import parse_instant
from pipeline.settings import load_settings
from resources.workspace import Workspace
from tests.connections.making import SECRET, Asked, Reply, Server

ITEMS: list[dict[str, Any]] = [
    {
        "id": f"A{n}",
        "title": f"Poster {n}",
        "assetType": "image",
        "modifiedOn": 1772434800 + n,
        "state": "LIVE" if n else "ODD",
        "contact": {"email": f"ann{n}@example.org"},
        "colour": "red",
    }
    for n in range(3)
]
PROFILE = {
    "auth": {"kind": "bearer"},
    "limits": {"requests_per_second": 1000},
    "defaults": {"paging": {"kind": "page_number"}},
    "streams": {
        "assets": {
            "mapping": {"asset_id": "id", "status": {"path": "state", "map": {"LIVE": "published"}}},
        }
    },
}


class Desk:
    def __init__(self, folder: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.profile = PROFILE
        self.write()
        connection = {
            "kind": "rest",
            "profile": "p.yaml",
            "base_url": url,
            "secrets": {"token": "${TENANT_TOKEN}"},
            "streams": ["assets", "grants"],
        }
        (folder / "vipgrid.yaml").write_text(yaml.safe_dump({"connections": {"vip": connection}}))

    def write(self, **assets: Any) -> None:
        streams = {"assets": {**PROFILE["streams"]["assets"], **assets}}  # type: ignore[index]
        (self.folder / "p.yaml").write_text(yaml.safe_dump({**PROFILE, "streams": streams}))

    def run(self, *words: str) -> tuple[int, str]:
        given = ["--config", str(self.folder / "vipgrid.yaml"), "--home", str(self.folder / "home")]
        code = run(make_app(), [*words, *given])
        return code, self.capsys.readouterr().out

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json")[1])

    def sync(self, now: str) -> None:
        settings = load_settings(self.folder / "vipgrid.yaml")
        home = Home((self.folder / "home").resolve())
        with Workspace.open(settings, home, what="sync", actor="tests", now=parse_instant(now)) as workspace:
            workspace.open_turn()
            workspace.pull("vip")
            workspace.compute_all()
            workspace.complete_turn()
            workspace.publish()


def answering(asked: Asked) -> Any:
    if asked.headers.get("authorization") != f"Bearer {SECRET}":
        return Reply({}, status=401)
    if asked.path == "/v1/grants":
        return Reply({"problem": f"no right of {SECRET} to read grants"}, status=403)
    return {"items": ITEMS if asked.query["page"] == "1" else []}


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("TENANT_TOKEN", SECRET)
    with Server(answering) as server:
        yield Desk(tmp_path, server.url, capsys)


def test_a_check_tells_of_each_stream_what_is_wrong_unknown_and_personal(desk: Desk) -> None:
    code, said = desk.run("connect", "check")
    assert code == 1
    assert "vip: the login works" in said
    assert "wrong in 1 of 3: status has a value that the profile's map does not know; it knows LIVE." in said
    assert "seems personal, and 'personal' does not say what is done with it: contact.email." in said
    assert "unknown, read by nobody: assetType, modifiedOn, contact.email, colour." in said
    assert "`vipgrid connect map vip assets` has proposals for asset_type, updated_at." in said
    assert "refused with 403: ask the operator of vip" in said
    assert "grants: it said" in said
    assert "to read grants" in said
    assert SECRET not in said
    assert not (desk.folder / "home" / "landing").exists()


def test_a_check_goes_on_to_a_second_page_because_the_first_says_nothing_of_the_paging(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENANT_TOKEN", SECRET)

    def choosy(asked: Asked) -> Any:
        if asked.query["page"] == "1":
            return {"items": [{"id": str(n)} for n in range(20)]}
        return {"errors": [{"code": "BAD_PAGE", "text": "pages are letters here"}]}

    with Server(choosy) as server:
        desk = Desk(tmp_path, server.url, capsys)
        code, said = desk.run("connect", "check", "vip", "assets")
        assert code == 1
        assert "it has no items and lists errors" in said
        assert 'it said {"errors": [{"code": "BAD_PAGE", "text": "pages are letters here"}]}' in said
        desk.write(errors=[{"body": {"path": "errors"}, "do": "fail"}])
        assert "BAD_PAGE" in desk.json("connect", "check", "vip", "assets")["connections"][0]["streams"][0]["answered"]


def test_a_check_of_a_stream_that_is_good_says_so(desk: Desk) -> None:
    mapping = {"asset_id": "id", "status": "state", "asset_type": "assetType"}
    desk.write(mapping=mapping, personal={"contact.email": "drop"})
    code, said = desk.run("connect", "check", "vip", "assets")
    assert code == 0
    assert "good" in said
    assert "personal" not in said


def test_what_is_missing_in_every_record_is_said(desk: Desk) -> None:
    desk.write(mapping={"asset_id": "identifier"})
    (found,) = desk.json("connect", "check", "vip", "assets")["connections"]
    (stream,) = found["streams"]
    assert (stream["missing"], stream["is_good"], stream["records"]) == (["asset_id"], False, 3)
    assert stream["wrong"] == {"asset_id is missing": 3}
    assert {"field": "asset_id", "rule": "id", "score": 0.95, "is_required": True} in stream["can_be_mapped"]


def test_a_login_that_fails_is_told_before_any_stream(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = {**PROFILE, "auth": {"kind": "session_token", "login_path": "/v1/grants", "login": {"t": "{token}"}}}
    (desk.folder / "p.yaml").write_text(yaml.safe_dump(profile))
    monkeypatch.setenv("TENANT_TOKEN", "not-the-one")
    code, said = desk.run("connect", "check")
    assert code == 1
    assert "Asking for a token at vip" in said
    assert "not-the-one" not in said


def test_a_sample_shows_records_beside_what_they_become(desk: Desk) -> None:
    code, said = desk.run("connect", "sample", "vip", "assets", "--records", "2")
    assert code == 0
    assert '1. {"id": "A0"' in said
    assert "It would be quarantined: status has a value" in said
    document = desk.json("connect", "sample", "vip", "assets", "--records", "2")
    assert len(document["records"]) == 2
    assert document["records"][1]["becomes"]["asset_id"] == "A1"
    assert document["records"][1]["becomes"]["status"] == "published"


def test_a_sample_shows_what_is_personal_as_it_would_be_stored(desk: Desk) -> None:
    desk.write(personal={"contact.email": "drop"})
    assert "example.org" not in desk.run("connect", "sample", "vip", "assets")[1]


def test_proposals_can_be_copied_into_the_profile_and_work(desk: Desk) -> None:
    desk.write(mapping={})
    said = desk.run("connect", "map", "vip", "assets")[1]
    block = said[said.index("streams:") : said.index("\nNothing was found for")]
    proposed = yaml.safe_load(block)["streams"]["assets"]["mapping"]
    assert proposed == {
        "asset_id": "id",
        "asset_type": "assetType",
        "status": "state",
        "updated_at": {"path": "modifiedOn", "cast": "epoch_seconds"},
    }
    desk.write(mapping=proposed)
    assert desk.run("connect", "check", "vip", "assets")[0] == 0


def test_a_connection_or_stream_that_is_not_there_is_named(desk: Desk) -> None:
    with pytest.raises(ConfigurationError, match="no connection over HTTP; there are vip"):
        desk.run("connect", "check", "tg")
    with pytest.raises(ConfigurationError, match="does not serve reviews"):
        desk.run("connect", "sample", "vip", "reviews")
    with pytest.raises(SourceError, match="refused with 403"):
        desk.run("connect", "sample", "vip", "grants")


def test_a_rejected_record_is_listed_shown_released_and_read_again_with_the_new_profile(desk: Desk) -> None:
    config = yaml.safe_load((desk.folder / "vipgrid.yaml").read_text())
    config["connections"]["vip"]["streams"] = ["assets"]
    (desk.folder / "vipgrid.yaml").write_text(yaml.safe_dump(config))
    desk.sync("2026-03-02T08:00:00Z")

    (row,) = desk.json("quarantine", "list")["rows"]
    assert (row["key"], row["record_key"]) == ("assets:1:1:0", "A0")
    assert "does not know" in row["rejected_because"]
    shown = desk.run("quarantine", "show", "assets:1:1:0")[1]
    assert '"id":"A0"' in shown
    with pytest.raises(RefusedError, match="names no record"):
        desk.run("quarantine", "show", "assets")
    with pytest.raises(RefusedError, match="Not in quarantine: assets:1:1:1"):
        desk.run("quarantine", "release", "assets:1:1:1", "--reason", "x")
    with pytest.raises(RefusedError, match="was not rejected"):
        desk.run("quarantine", "show", "assets:1:1:1")

    desk.write(mapping={"asset_id": "id", "status": {"path": "state", "map": {"LIVE": "published", "ODD": "draft"}}})
    said = desk.run("quarantine", "release", "--stream", "assets", "--reason", "the map knows ODD now")[1]
    assert said.startswith("Released 1 records: they come again")
    assert "1 of them before" in desk.run("quarantine", "release", "assets:1:1:0", "--reason", "again")[1]
    assert desk.json("quarantine", "list")["rows"] == []
    assert desk.json("quarantine", "list", "--all")["rows"][0]["released_because"] == "the map knows ODD now"

    ITEMS[0], kept = ITEMS[1], ITEMS[0]
    try:
        desk.sync("2026-03-02T09:00:00Z")
        desk.sync("2026-03-02T10:00:00Z")
    finally:
        ITEMS[0] = kept
    home = Home((desk.folder / "home").resolve())
    settings = load_settings(desk.folder / "vipgrid.yaml")
    with Workspace.open(settings, home, what="look", actor="tests", is_journalled=False) as workspace:
        rows = workspace.connection.sql("select asset_id, status from core.assets order by 1").fetchall()
        fetched = workspace.connection.sql("select turn_no, sum(fetched)::int from ops.pages group by 1 order by 1")
        assert fetched.fetchall() == [(1, 3), (2, 4), (3, 3)]
    assert rows == [("A0", "draft"), ("A1", "published"), ("A2", "published")]
    assert "Released: the map knows ODD now." in desk.run("quarantine", "show", "assets:1:1:0")[1]


def test_a_corrected_mapping_is_open_until_a_person_lets_what_landed_be_read_with_it(desk: Desk) -> None:
    config = yaml.safe_load((desk.folder / "vipgrid.yaml").read_text())
    config["connections"]["vip"]["streams"] = ["assets"]
    (desk.folder / "vipgrid.yaml").write_text(yaml.safe_dump(config))

    def rows(now: str) -> list[tuple[str, str, str]]:
        desk.sync(now)
        home = Home((desk.folder / "home").resolve())
        settings = load_settings(desk.folder / "vipgrid.yaml")
        with Workspace.open(settings, home, what="look", actor="tests", is_journalled=False) as workspace:
            query = "select asset_id, title, brand from core.assets order by 1"
            return workspace.connection.sql(query).fetchall()

    wrong = {"asset_id": "id", "brand": {"constant": "none"}}
    desk.write(mapping=wrong)
    assert rows("2026-03-02T08:00:00Z")[0] == ("A0", "Poster 0", "none")
    assert desk.json("status")["drift"] == []
    desk.write(mapping={**wrong, "brand": "colour"})
    assert rows("2026-03-02T09:00:00Z")[0] == ("A0", "Poster 0", "none")
    (open_one,) = desk.json("status")["drift"]
    assert open_one["finding_id"] == "former_mapping:field:assets.brand"
    assert open_one["detail"] == "brand of assets is made otherwise now than of the records that came up to turn 1"

    with pytest.raises(RefusedError, match="'tg' is no connection; there are vip"):
        desk.run("connect", "remap", "tg", "--reason", "x")
    with pytest.raises(RefusedError, match="No such stream 'grants' is served by vip"):
        desk.run("connect", "remap", "vip", "grants", "--reason", "x")
    said = desk.run("connect", "remap", "vip", "assets", "--reason", "it was never constant")[1]
    assert said.startswith(
        "assets: what landed is read as the profile says now, from the next `vipgrid sync` on (brand)."
    )
    assert "already" in desk.run("connect", "remap", "vip", "--reason", "again")[1]
    assert rows("2026-03-02T10:00:00Z") == [(f"A{n}", f"Poster {n}", "red") for n in range(3)]
    assert desk.json("status")["drift"] == []
