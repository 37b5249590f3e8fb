"""A home that an older vipgrid wrote is read, made again and synced on; a newer one's is refused in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.errors import StateError
from pipeline.home import Home
from pipeline.ingest import compacting
from pipeline.ingest.chunks import FORMAT, OLDEST_FORMAT
from pipeline.ingest.landed import STREAM_PULLED, landed_chunks
from pipeline.ingest.landing import check_chunk
from pipeline.instants import parse_instant
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import read_turns
from pipeline.settings import FilesConnection, Settings
from resources.workspace import Workspace

FIXTURE = Path(__file__).parent / "format_1"
TARGETS = ("ops.pages", "core.assets", "freshness.positions")
LATER = parse_instant("2026-01-10T12:00:00Z")


@pytest.fixture
def old_home(tmp_path: Path) -> Home:
    """The home of format 1, to be written to."""
    shutil.copytree(FIXTURE, tmp_path / "var")
    home = Home(tmp_path / "var")
    home.make()
    return home


@contextmanager
def workspace_of(home: Home, *, is_journalled: bool = True) -> Iterator[Workspace]:
    source = home.path.parent / "source"
    source.mkdir(exist_ok=True)
    both = FilesConnection(kind="files", path=source, watermark="now")
    settings = Settings(connections={"vip": both, "trading_grid": both})
    with Workspace.open(
        settings, home, what="test", actor="tests", now=LATER, is_journalled=is_journalled
    ) as workspace:
        yield workspace


def compute(workspace: Workspace) -> None:
    for name in workspace.graph.left_of(TARGETS):
        workspace.compute(name)


def rows(workspace: Workspace, query: str) -> list[tuple[object, ...]]:
    return workspace.connection.sql(query).fetchall()


def test_a_home_of_the_first_format_is_rebuilt_and_synced_on(old_home: Home) -> None:
    before = (old_home.ledger / "journal.ndjson").read_bytes()
    assert {chunk.chunk.format for chunk in landed_chunks(Journal(old_home.ledger))} == {OLDEST_FORMAT}
    with workspace_of(old_home, is_journalled=False) as workspace:
        compute(workspace)
        assert rows(workspace, "select asset_id, title, known_at::date::varchar from core.assets order by 1") == [
            ("a1", "Affiche d\u2019été", "2026-01-07"),
            ("a2", "Price list 2", "2026-01-08"),
        ]
        counts = "select sum(fetched), sum(new), sum(new_editions), sum(duplicates), sum(quarantined) from ops.pages"
        assert rows(workspace, counts) == [(12, 8, 1, 1, 2)]
        positions = "select partner_id, asset_id, position, last_version_no from freshness.positions order by 2"
        assert rows(workspace, positions) == [("p1", "a1", "current", 1)]
    assert (old_home.ledger / "journal.ndjson").read_bytes() == before
    folder = old_home.path.parent / "source" / "assets"
    folder.mkdir(parents=True)
    (folder / "3.ndjson").write_text('{"asset_id": "a3", "title": "Neu", "updated_at": "2026-01-10T08:00:00Z"}\n')
    with workspace_of(old_home) as workspace:
        assert workspace.open_turn().number == 4
        for name in ("vip", "trading_grid"):
            workspace.pull(name)
        compute(workspace)
        assert rows(workspace, "select list(asset_id order by asset_id) from core.assets") == [(["a1", "a2", "a3"],)]
        assert rows(workspace, "select list(distinct is_balanced) from ops.pages") == [([True],)]
    assert (old_home.ledger / "journal.ndjson").read_bytes().startswith(before)
    chunks = landed_chunks(Journal(old_home.ledger))
    assert {chunk.chunk.format for chunk in chunks} == {OLDEST_FORMAT, FORMAT}
    for chunk in chunks:
        check_chunk(old_home.landing, chunk.chunk)


def test_an_old_homes_files_are_merged_and_the_tables_stay_as_they_are(
    old_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "FEWEST_MERGED", 2)
    question = "select turn_no, known_at, asset_id, title, record_sha256 from landing.assets order by turn_no, row_no"
    with workspace_of(old_home) as workspace:
        workspace.compute("staging.assets")
        before = rows(workspace, question)
    with workspace_of(old_home) as workspace:
        done = workspace.compact()
        assert [(one.stream, one.before) for one in done.merged] == [("assets", 2)]
        # Two pairs, and the list of files that the first pull kept.
        assert done.removed == 5
        assert rows(workspace, question) == before
    with workspace_of(old_home) as workspace:
        workspace.compute("staging.assets")
        assert rows(workspace, "select how from ops.models where model = 'staging.assets'") == [("full: first",)]
        assert rows(workspace, "select count(*) from staging.assets") == [(5,)]


def test_a_journal_of_a_newer_format_is_refused_in_one_sentence_and_stays_as_it_is(old_home: Home) -> None:
    path = old_home.ledger / "journal.ndjson"
    *_, last = path.read_text().splitlines()
    with path.open("a") as file:
        file.write(json.dumps({**json.loads(last), "v": "2"}, sort_keys=True, separators=(",", ":")) + "\n")
    before = path.read_bytes()
    with pytest.raises(StateError, match=r"^Entry 89 of the journal .* has format 2, and this vipgrid .* up to 1: "):
        read_turns(Journal(old_home.ledger))
    with pytest.raises(StateError, match="install the vipgrid that wrote it"), workspace_of(old_home):
        pass
    assert path.read_bytes() == before


def test_landing_of_a_newer_format_is_refused_in_one_sentence(old_home: Home) -> None:
    journal = Journal(old_home.ledger)
    *_, pulled = (entry for entry in journal.entries(frozenset({STREAM_PULLED})) if entry.data["chunks"])
    data = {**pulled.data, "chunks": [{**pulled.data["chunks"][0], "format": "9"}]}
    turn = read_turns(journal).last
    assert turn is not None
    journal.append([turn.draft(STREAM_PULLED, data, source="vip", source_id="access_events")])
    with pytest.raises(StateError, match=r"^The landing file .* has format 9, and .* up to 2: install .*[.]$"):
        landed_chunks(journal)
