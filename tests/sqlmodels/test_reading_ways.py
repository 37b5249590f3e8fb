"""Landing that is read otherwise is read anew: that stream's staging, and right of it what differs; nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.errors import RefusedError
from pipeline.ingest import compacting
from pipeline.ingest.compacting import compact
from pipeline.ingest.landed import landed_chunks
from pipeline.ingest.profile import load_profile
from pipeline.ingest.remapping import correct_mappings
from pipeline.sqlmodels import landed_rows, mapped, reading_ways
from pipeline.sqlmodels.increments import NEW_READING, UNCHANGED, Increments
from pipeline.sqlmodels.journalled import give_ledger
from pipeline.sqlmodels.relations import Landing, Question, give_landing, give_settings
from resources.warehouse import open_in_memory
from tests.connections.making import Server, Tenant
from tests.tables import GRAPH

NAMES = GRAPH.left_of(["ops.quarantine", "core.assets", "core.asset_versions", "ops.pages"])
PROFILE: dict[str, Any] = {
    "defaults": {"paging": {"kind": "single_page"}},
    "streams": {
        "assets": {
            "mapping": {"asset_id": "id", "title": "caption", "updated_at": {"path": "at", "cast": "epoch_seconds"}}
        },
        "asset_versions": {"mapping": {"version_no": {"path": "no", "cast": "integer"}}},
    },
}
RECORDS = {
    "/v1/assets": [{"id": "a1", "caption": "One", "at": 1772434800}, {"id": "a2", "caption": "Two", "at": 1772434801}],
    "/v1/asset_versions": [{"asset_id": "a1", "no": "+1", "approval_status": "approved"}],
}


class Kept:
    """A tenant, and a warehouse that outlives its turns."""

    def __init__(self, tenant: Tenant, connection: duckdb.DuckDBPyConnection) -> None:
        self.tenant = tenant
        self.connection = connection

    def hows(self) -> dict[str, str]:
        """Bring the tables up to date, and return how each came about where it was touched."""
        turn = self.tenant.turn()
        question = Question(turn.now, turn.known_at)
        chunks = landed_chunks(self.tenant.journal)
        give_landing(self.connection, self.tenant.home.landing.resolve(), chunks)
        give_ledger(self.connection, self.tenant.journal.path)
        give_settings(self.connection, self.tenant.settings, question, turn.now)
        landing = Landing.of(self.tenant.home.landing.resolve(), chunks)
        increments = Increments(self.connection, question, turn.number, landing, GRAPH.models)
        found = {name: increments.refresh(GRAPH.models[name]).how for name in NAMES}
        increments.flush()
        return {name: how for name, how in found.items() if how != UNCHANGED}

    def read_anew(self) -> set[str]:
        return {name for name, how in self.hows().items() if how == NEW_READING}

    def versions(self) -> dict[str, int]:
        return dict(self.connection.sql("select model, version from ops.models").fetchall())

    def titles(self) -> list[tuple[str, str]]:
        return self.connection.sql("select asset_id, title from core.assets order by 1").fetchall()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with Server(lambda asked: {"items": RECORDS[asked.path]}) as server:
        tenant = Tenant(tmp_path, server.url, PROFILE, streams=("assets", "asset_versions"))
        with open_in_memory(tenant.home) as connection:
            opened = Kept(tenant, connection)
            for _ in range(2):
                tenant.pull_well()
                opened.hows()
                tenant.next_turn()
            opened.hows()
            yield opened


def changed(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[str], str]) -> None:
    """Let the code that makes an expression make another one."""
    made = getattr(mapped, name)
    monkeypatch.setattr(mapped, name, lambda *given: change(made(*given)))


def test_the_same_reader_reads_what_arrives_and_nothing_again(kept: Kept) -> None:
    kept.tenant.pull_well()
    hows = kept.hows()
    assert hows["staging.assets"] == "appended"
    assert kept.read_anew() == set()


def test_another_reader_that_gives_other_rows_reads_anew_those_streams_that_it_reads(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept.versions()
    changed(monkeypatch, "_epoch", lambda value: f"replace({value}, '.000000Z', '.500000Z')")
    hows = kept.hows()
    assert {name for name, how in hows.items() if how == NEW_READING} == {"staging.assets"}
    after = kept.versions()
    moved = {name for name in after if after[name] != before[name]}
    assert {"staging.assets", "core.assets_history", "core.assets"} <= moved
    assert not [name for name in moved if "asset_versions" in name]
    (first,) = kept.connection.sql("select min(updated_at)::varchar from core.assets").fetchall()
    assert first == ("2026-03-02 07:00:00.5+00",)
    assert kept.read_anew() == set()


def test_another_reader_that_gives_the_same_rows_leaves_what_lies_right_of_it_alone(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept.versions()
    changed(monkeypatch, "_epoch", lambda value: f"({value} || '')")
    assert set(kept.hows()) <= {"staging.assets", "staging.asset_versions", "ops.pages"}
    assert kept.versions() == before
    assert kept.hows() == {}


def test_another_rule_for_all_ids_reads_every_stream_anew(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landed_rows, "MAX_ID_BYTES", 1)
    kept.hows()
    reasons = kept.connection.sql("select distinct rejected_because from staging.assets").fetchall()
    assert reasons == [("asset_id has more than 1 bytes",)]
    assert kept.titles() == []


def test_a_macro_under_the_reader_is_part_of_its_way(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def version() -> str:
        return Landing.of(Path(), landed_chunks(kept.tenant.journal)).version("assets")

    before, way = kept.versions(), version()
    monkeypatch.setattr(reading_ways, "macros_under", lambda _text: "another text of a macro")
    assert version() != way
    assert set(kept.hows()) <= {"staging.assets", "staging.asset_versions", "ops.pages"}
    assert kept.versions() == before
    assert kept.hows() == {}


def test_another_mapping_reads_nothing_anew_until_it_is_said_to_correct_the_former(kept: Kept) -> None:
    mapping = {
        **PROFILE["streams"]["assets"]["mapping"],
        "title": {"template": "{caption}!"},
        "status": {
            "path": "flow",
            "map": {"LIVE": "published", None: "draft"},
            "only_if": {"path": "id", "is": "present"},
        },
        "brand": {"first_of": ["brand.en", "brand.de"]},
    }
    profile = {**PROFILE, "streams": {**PROFILE["streams"], "assets": {"mapping": mapping}}}
    kept.tenant.write_profile(profile)
    kept.tenant.pull_well()
    assert kept.hows()["staging.assets"] == "appended"
    assert kept.titles() == [("a1", "One"), ("a2", "Two")]
    before = kept.versions()
    correct = partial(
        correct_mappings, kept.tenant.journal, kept.tenant.turn(), "vip", load_profile(kept.tenant.profile)
    )
    with pytest.raises(RefusedError, match="needs a person"):
        correct(["assets"], actor="ann", reason=" ")
    assert correct(["assets", "asset_versions"], actor="ann", reason="typo") == {"assets": ["brand", "status", "title"]}
    assert kept.read_anew() == {"staging.assets"}
    after = kept.versions()
    assert not [name for name in after if after[name] != before[name] and "asset_versions" in name]
    assert kept.titles() == [("a1", "One!"), ("a2", "Two!")]
    assert correct(["assets"], actor="ann", reason="typo") == {}


def test_records_that_were_marked_as_gone_are_read_with_the_corrected_mapping_too(tmp_path: Path) -> None:
    records = [{"id": f"a{n}", "caption": f"T{n}"} for n in range(2)]
    stream = {"paging": {"kind": "single_page"}, "deletions": {"kind": "absence", "max_drop": 1.0}}
    with Server(lambda _: {"items": records}) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": {**stream, "mapping": {"asset_id": "id"}}}})
        for gone in (False, True, True):
            del records[: int(gone and len(records) == 2)]
            tenant.pull_well()
            tenant.next_turn()
    assert [(r["asset_id"], r["title"], bool(r["deleted_at"])) for r in tenant.ask("core.assets")] == [
        ("a0", None, True),
        ("a1", None, False),
    ]
    tenant.write_profile({"streams": {"assets": {**stream, "mapping": {"asset_id": "id", "title": "caption"}}}})
    profile = load_profile(tenant.profile)
    correct_mappings(tenant.journal, tenant.turn(), "vip", profile, ["assets"], actor="ann", reason="forgotten")
    assert [(r["asset_id"], r["title"], bool(r["deleted_at"])) for r in tenant.ask("core.assets")] == [
        ("a0", "T0", True),
        ("a1", "T1", False),
    ]


def test_merging_files_is_no_other_way(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "FEWEST_MERGED", 2)
    before = {
        name: Landing.of(Path(), landed_chunks(kept.tenant.journal)).version(name) for name in ("assets", "pages")
    }
    assert len(compact(kept.tenant.home, kept.tenant.journal, kept.tenant.turn())) == 2
    chunks = landed_chunks(kept.tenant.journal)
    assert all(landed.is_merged for landed in chunks)
    assert {name: Landing.of(Path(), chunks).version(name) for name in before} == before
    assert kept.read_anew() == set()


def test_the_note_of_an_older_vipgrid_is_read_anew_and_found_to_be_the_same(kept: Kept) -> None:
    before = kept.versions()
    kept.connection.execute(
        "update ops.models set input_versions = list_transform(input_versions, lambda one: split_part(one, '.', 1))"
        " where model = 'staging.assets'"
    )
    noted = "select input_versions[1] from ops.models where model = 'staging.assets'"
    assert kept.connection.sql(noted).fetchall() == [("2",)]
    assert set(kept.hows()) == {"staging.assets"}
    assert kept.connection.sql(noted).fetchall()[0][0].startswith("2.")
    assert kept.versions() == before
    assert kept.hows() == {}
