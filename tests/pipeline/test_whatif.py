"""What-if: the same rules over supposed records, against the reference; refusals name what may have been meant."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from pipeline.errors import RefusedError
from pipeline.home import Home
from pipeline.instants import parse_instant
from pipeline.ledger.turns import TURN_COMPLETED
from pipeline.sqlmodels.asking import ALWAYS_ASKED
from pipeline.sqlmodels.graph import load_graph
from pipeline.sqlmodels.relations import Question
from pipeline.whatif.changes import Barred, Change, Expiring, GrantEnded, Moved, Withdrawn
from pipeline.whatif.differences import WANTED
from pipeline.whatif.supposing import Focus, Wanted, before, stored_or_refuse, suppose
from pipeline.whatif.telling import campaign_sentences, names, silent_sentences, tell, told_sentences
from pipeline.whatif.wishes import Wishes, read_changes
from resources.warehouse import open_for_reading, open_for_writing
from tests.cli.network import SECOND
from tests.reference.networks import Network, random_network
from tests.reference.positions import PositionRow, positions
from tests.reference.records import Arrival, Knowledge, Record, instant
from tests.tables import Tables, files_settings

NOW: Final = parse_instant(SECOND)
FAR: Final = "2099-01-01T00:00:00Z"
POSITIONS: Final = Wanted(("freshness.positions",), ("freshness.positions",))
COLUMNS: Final = tuple(PositionRow.__dataclass_fields__)
SUPPOSITIONS_OF_A_NETWORK: Final = 6
Rows = dict[tuple[str, str], tuple[Any, ...]]


@pytest.fixture
def connection(lived: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_for_reading(Home((lived / "home").resolve())) as opened:
        yield opened


def supposed(connection: duckdb.DuckDBPyConnection, at: datetime = NOW, **wishes: Any) -> dict[str, Any]:
    """Tell what follows from wishes, as of an instant."""
    question = Question(at, stored_or_refuse(connection).question.known_at)
    changes = read_changes(connection, Wishes(**wishes), min(at, NOW))
    focus = Focus(tuple(sorted({asset_id for change in changes for asset_id in change.asset_ids})))
    suppose(connection, load_graph(), WANTED, question, focus, [change.edition for change in changes])
    return tell(connection, changes, question)


def moves(document: dict[str, Any]) -> set[tuple[str, str | None, str | None]]:
    return {(row["partner_id"], row["from_position"], row["to_position"]) for row in document["positions"]["rows"]}


def test_a_withdrawal_changes_holders_and_makes_notices_due(connection: duckdb.DuckDBPyConnection) -> None:
    document = supposed(connection, withdraw=("A1",))
    assert {(left, taken) for _, left, taken in moves(document)} == {
        ("current", "withdrawn_held"),
        ("never_held", "nothing_to_hold"),
    }
    told = {(row["partner_id"], row["kind"], row["is_sent"]) for row in document["to_be_told"]}
    assert told == {(f"P{number}", "withdrawal", True) for number in range(5)}
    assert {row["partner_id"]: row["reason"] for row in document["not_told"]} == {"P5": "never_obtained_it"}
    assert len(document["exposed"]["newly"]) == 5


def test_the_drill_counts_the_unknowns_apart(connection: duckdb.DuckDBPyConnection) -> None:
    drill = supposed(connection, withdraw=("A0:1",))["drill"]
    assert (drill["holders"], drill["possible_holders"]) == (5, 1)
    assert {row["partner_id"]: row["is_withdrawn_copy"] for row in drill["copies"] if row["version_no"] != 1} == {
        "P0": False,
        "P5": None,
    }
    assert [row["event_id"] for row in drill["unmatched_downloads"]] == ["EX"]


def test_a_bar_in_a_region_leaves_the_other_regions_alone(connection: duckdb.DuckDBPyConnection) -> None:
    document = supposed(connection, bar_regions=("US",), assets=("A0",), versions=(2,))
    assert moves(document) == {
        ("P0", "current", "barred_held"),
        ("P2", "stale_overdue", "current"),
        ("P4", "stale_overdue", "current"),
    }
    rules = [(row["partner_id"], row["kind"], row["is_sent"]) for row in document["to_be_told"]]
    assert rules == [(f"P{number}", "access_rules", False) for number in (0, 2, 4)]
    # P0 holds it already: as one of the entitled it was to be told of version 2, and is not any more.
    assert {row["partner_id"] for row in document["no_longer_due"]} <= {"P0", "P2", "P4"}


def test_a_bar_without_a_version_is_about_all_of_them(connection: duckdb.DuckDBPyConnection) -> None:
    document = supposed(connection, bar_regions=("DE",), assets=("A0",))
    assert {change["version_no"] for change in document["supposed"]} == {1, 2}
    assert ("P1", "stale_overdue", "no_target") in moves(document)


def test_a_moved_effective_date_gives_the_predecessor_back(connection: duckdb.DuckDBPyConnection) -> None:
    document = supposed(connection, move_effective=("A0:2=2026-03-01T00:00",))
    assert moves(document) >= {("P1", "stale_overdue", "current"), ("P0", "current", "current")}
    later = supposed(connection, parse_instant("2026-03-02T00:00:00Z"), move_effective=("A0:2=2026-03-01T00:00",))
    assert ("P1", "stale_overdue", "stale_in_grace") in moves(later)


def test_an_expiry_ends_what_is_live(connection: duckdb.DuckDBPyConnection) -> None:
    document = supposed(connection, expire=("A1:1=2026-01-31T00:00Z",))
    assert ("P0", "current", "expired_held") in moves(document)
    assert {row["kind"] for row in document["to_be_told"]} == {"expiry"}


def test_a_grant_that_ends_takes_the_pair_away_where_nothing_was_obtained(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    document = supposed(connection, remove_grants=("G5-3", "G0-0"))
    assert moves(document) >= {("P5", "never_held", None)}
    assert {(row["partner_id"], row["rule"]) for row in document["to_be_told"]} == {
        ("P5", "may_no_longer_download_it"),
        ("P0", "may_no_longer_download_it"),
        ("P5", "own_grant_ended"),
        ("P0", "own_grant_ended"),
    }


def test_several_changes_are_supposed_together(connection: duckdb.DuckDBPyConnection) -> None:
    document = supposed(connection, withdraw=("A0:2",), expire=("A0:1=2026-01-31T00:00Z",))
    assert moves(document) >= {("P0", "current", "withdrawn_held"), ("P1", "stale_overdue", "expired_held")}


def test_a_question_about_the_future_is_answered_as_if_nothing_else_happened(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    document = supposed(connection, NOW + timedelta(days=400), withdraw=("A1",))
    assert document["supposed"][0]["at"] == NOW
    assert len(document["to_be_told"]) == 5


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({}, "Nothing is supposed"),
        ({"withdraw": ("A9",)}, "No asset 'A9' is known: did you mean A0 (Sheet 0)"),
        ({"withdraw": ("A0:7",)}, "A0 has no version 7: it has A0:1, A0:2."),
        ({"withdraw": ("A0:2=tomorrow",)}, "does not end in an instant"),
        ({"withdraw": ("A0=2025-01-01T00:00Z",)}, "No version of A0 is live at 2025-01-01 00:00Z: name one"),
        ({"bar_regions": ("XX",), "assets": ("A0",)}, "No region 'XX' is known"),
        ({"bar_regions": ("us-ca",), "assets": ("A0",)}, "did you mean US-CA"),
        ({"bar_regions": ("DE",)}, "belong together"),
        ({"versions": (1,), "withdraw": ("A0",)}, "--version belongs to --bar-region"),
        ({"move_effective": ("A0:2",)}, "write it as A0:1=2026-04-01T00:00"),
        ({"move_effective": ("A0:2=soon",)}, "is not a local time"),
        ({"move_effective": ("A0:2=2026-04-01T00:00Z",)}, "has an offset"),
        ({"expire": ("A0=2026-04-01T00:00Z",)}, "does not say which version"),
        ({"remove_grants": ("G0-9",)}, "No grant 'G0-9' is known: did you mean G0-0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_may_be_meant(
    connection: duckdb.DuckDBPyConnection, wishes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        read_changes(connection, Wishes(**wishes), NOW)
    assert sentence in str(refused.value)


def test_a_change_that_changes_nothing_says_so(connection: duckdb.DuckDBPyConnection) -> None:
    document = supposed(connection, move_effective=("A1:1=2020-01-01T00:00",))
    assert "never takes effect before" in document["supposed"][0]["note"]
    assert document["positions"]["changed"] == 0


def test_sentences_count_partners_and_name_the_first_few() -> None:
    rows = [
        {
            "partner_id": f"P{number:02d}",
            "partner_name": None,
            "is_sent": True,
            "kind": "withdrawal",
            "asset_id": "A",
            "version_no": 2,
            "rule": "holds_a_withdrawn_version",
            "reason": "partner_left",
        }
        for number in range(10)
    ]
    assert told_sentences(rows)[0][0] == "withdrawal, version 2 of A: 10 partners; a notice would be sent"
    assert names(rows).endswith("P07; and 2 more")
    assert silent_sentences(rows[:1])[0][0].startswith("1 partner: they have left")


def test_a_campaign_that_loses_its_version_breaks() -> None:
    row = {
        "campaign_id": "C",
        "campaign_name": "Spring",
        "asset_id": "A",
        "partner_id": "P",
        "partner_name": "One",
        "from_version_no": 2,
        "to_version_no": None,
        "from_blocked_by": None,
        "to_blocked_by": "no_version",
        "to_state": "required",
        "was_ready": True,
        "is_ready": False,
        "is_required": True,
    }
    ((sentence, who),) = campaign_sentences([row])
    assert sentence.startswith("Spring (C): 1 partner cannot launch with A: no version of it is live at the launch")
    assert sentence.endswith("1 of them would be ready no longer")
    assert who == "P One"


@contextmanager
def warehouse_of(network: Network) -> Iterator[Tables]:
    """A network received batch by batch, computed after the last, in a warehouse like any other."""
    with tempfile.TemporaryDirectory() as folder:
        home, source = Home(Path(folder) / "home"), Path(folder) / "source"
        home.make()
        with open_for_writing(home) as connection:
            tables = Tables(files_settings(source), home, source, connection)
            for batch in network.batches:
                turn = tables.receive(batch, random.Random(1))
                tables.journal.append([turn.draft(TURN_COMPLETED, {"turn": str(turn.number)})])
            tables.compute(turn, turn.now, (*WANTED.targets, *ALWAYS_ASKED))
            yield tables


def stored(tables: Tables, table: str) -> Rows:
    rows = tables.rows(f"select partner_id, asset_id, {', '.join(COLUMNS)} from {table}")
    return {
        (row[0], row[1]): tuple(tuple(value) if isinstance(value, list) else value for value in row[2:]) for row in rows
    }


def expected(arrivals: list[Arrival], as_of: datetime, assets: frozenset[str]) -> Rows:
    found = positions(arrivals, as_of=as_of)
    return {pair: tuple(getattr(row, name) for name in COLUMNS) for pair, row in found.items() if pair[1] in assets}


def drawn_change(rng: random.Random, known: Knowledge, tables: Tables, at: datetime) -> tuple[Change, Arrival] | None:
    """Draw a change, and the record that would bring it."""
    assets = {str(record["asset_id"]) for record in known.current("assets")}
    versions = [record for record in known.current("asset_versions") if record["asset_id"] in assets]
    grants = known.current("grants")
    kind = rng.choice(("bar", "withdraw", "move", "expire", "grant"))
    if kind == "grant" and grants:
        record = rng.choice(grants)
        ends = min(filter(None, (instant(record, "valid_to"), at)))
        reached = tables.rows(
            "select distinct asset_id from warehouse.freshness.grant_assets where grant_id = $grant_id",
            {"grant_id": record["grant_id"]},
        )
        ended = GrantEnded(str(record["grant_id"]), at, frozenset(row[0] for row in reached))
        return ended, edition("grants", record, at, valid_to=ends.isoformat())
    if not versions or kind == "grant":
        return None
    record = rng.choice(versions)
    asset_id, version_no = str(record["asset_id"]), int(str(record["version_no"]))
    if kind == "bar":
        region = rng.choice([str(partner.get("region") or "US") for partner in known.current("partners")] or ["US"])
        regions = [*(record.get("restricted_regions") or []), region]  # type: ignore[misc]
        return Barred(asset_id, version_no, region), edition("asset_versions", record, at, restricted_regions=regions)
    if kind == "withdraw":
        changed = edition("asset_versions", record, at, withdrawn_at=at.isoformat())
        return Withdrawn(asset_id, version_no, at), changed
    if kind == "expire":
        return Expiring(asset_id, version_no, at), edition("asset_versions", record, at, expires_at=at.isoformat())
    local = (at + timedelta(hours=rng.randrange(-100, 100))).replace(tzinfo=None, microsecond=0)
    policy = str(record.get("effective_policy") or "instant")
    moved = edition("asset_versions", record, at, effective_local=local.isoformat())
    return Moved(asset_id, version_no, local, policy), moved


def edition(stream: str, record: Record, known_at: datetime, **replaced: object) -> Arrival:
    return Arrival(stream, known_at, {**record, **replaced, "updated_at": FAR})


@pytest.mark.parametrize("seed", range(2))
def test_what_is_supposed_is_what_would_be_if_it_were_so(seed: int) -> None:
    rng = random.Random(seed)
    network = random_network(rng, size="medium")
    arrivals, compared = network.arrivals(), 0
    known = Knowledge(arrivals)
    with warehouse_of(network) as tables:
        question = stored_or_refuse(tables.connection).question
        for _ in range(SUPPOSITIONS_OF_A_NETWORK):
            as_of = rng.choice([question.as_of, *network.questions])
            drawn = drawn_change(rng, known, tables, rng.choice([as_of, question.as_of]))
            if drawn is None:
                continue
            change, arrival = drawn
            asked = Question(as_of, question.known_at)
            focus = Focus(tuple(sorted(change.asset_ids)))
            suppose(tables.connection, load_graph(), POSITIONS, asked, focus, [change.edition])
            told = f"{change.sentence}, as of {as_of}"
            assert stored(tables, before("freshness.positions")) == expected(arrivals, as_of, change.asset_ids), told
            would_be = expected([*arrivals, arrival], as_of, change.asset_ids)
            assert stored(tables, "freshness.positions") == would_be, told
            compared += len(would_be)
    assert compared
