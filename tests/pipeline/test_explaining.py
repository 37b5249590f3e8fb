"""Explaining a pair: the rules in words against the rules in SQL, what helps against the reference, sentences."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.errors import RefusedError
from pipeline.explaining.entitlement import entitled_since
from pipeline.explaining.events import told
from pipeline.explaining.explanation import document, explain
from pipeline.explaining.nearest import ASSETS, PARTNERS, unknown
from pipeline.explaining.outlook import Remedy, explain_outlook, remedies
from pipeline.explaining.pair import NEEDED, Grant, Pair, read_pair
from pipeline.explaining.rules import RULES, standing_of, why_not_before
from pipeline.explaining.statement import Evidence, says
from pipeline.explaining.wording import Zone, counted, listed, numbered, span, versions
from pipeline.home import Home
from pipeline.ledger.turns import TURN_COMPLETED
from pipeline.sqlmodels.asking import ALWAYS_ASKED
from pipeline.sqlmodels.graph import load_graph
from resources.reading import Origin, Reader, open_reader
from resources.warehouse import open_for_writing
from tests.reference.networks import Network, random_network
from tests.reference.positions import positions
from tests.reference.records import Arrival
from tests.tables import Tables, files_settings

PAIRS_OF_A_NETWORK: Final = 40
BERLIN: Final = Zone("Europe/Berlin")
TABLE_NAME: Final = re.compile(r"\b(core|freshness|audit|sync|marts|ops|landing|ledger)\.\w+")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@contextmanager
def reader_of(network: Network) -> Iterator[Reader]:
    """A network received batch by batch, computed after the last, opened for reading."""
    with tempfile.TemporaryDirectory() as folder:
        home, source = Home(Path(folder) / "home"), Path(folder) / "source"
        home.make()
        with open_for_writing(home) as connection:
            tables = Tables(files_settings(source), home, source, connection)
            for batch in network.batches:
                turn = tables.receive(batch, random.Random(1))
                tables.journal.append([turn.draft(TURN_COMPLETED, {"turn": str(turn.number)})])
            tables.compute(turn, turn.now, (*NEEDED, *ALWAYS_ASKED))
            question = tables.lay(turn, turn.now)
            yield Reader(connection, load_graph(), Origin.WAREHOUSE, turn.id, question)


def pairs_of(reader: Reader) -> list[Pair]:
    rows = reader.rows("select partner_id, asset_id from freshness.positions order by partner_id, asset_id")
    return [read_pair(reader, row["partner_id"], row["asset_id"]) for row in rows[:PAIRS_OF_A_NETWORK]]


def doing(pair: Pair, remedy: Remedy) -> Arrival:
    """What a partner who takes the advice does, as a record."""
    known_at = pair.question.known_at + timedelta(days=1)
    stamp = pair.as_of.isoformat()
    record = {
        "partner_id": pair.partner["partner_id"],
        "asset_id": pair.asset["asset_id"],
        "version_no": remedy.version_no,
        "occurred_at": stamp,
        "recorded_at": stamp,
    }
    if remedy.action == "obtain":
        return Arrival("access_events", known_at, {**record, "event_id": "advice", "event_type": "downloaded"})
    return Arrival("acknowledgments", known_at, {**record, "ack_id": "advice", "kind": "completed"})


@pytest.mark.parametrize("seed", range(2))
def test_words_rules_and_advice_agree_with_what_is_computed(seed: int) -> None:
    network = random_network(random.Random(seed), size="medium")
    arrivals = network.arrivals()
    with reader_of(network) as reader:
        for pair in pairs_of(reader):
            _hold_rules(pair)
            _hold_outlook(pair)
            _hold_prose(pair)
            _hold_advice(pair, arrivals)


def _hold_rules(pair: Pair) -> None:
    """The rule that SQL chose is the first whose conditions all hold."""
    assert pair.position is not None
    standing = standing_of(pair)
    matching = next(rule for rule in RULES if rule.failing(standing) is None)
    assert (matching.number, matching.position) == (pair.position["position_rule"], pair.position["position"])
    told_numbers = [number for numbers, _ in why_not_before(standing, matching) for number in numbers]
    assert told_numbers == list(range(1, matching.number))


def _hold_outlook(pair: Pair) -> None:
    """Whatever the clock changes next is told, unless it is the end of a time to change that is not needed."""
    assert pair.position is not None
    at = pair.position["next_change_at"]
    if at is not None and (pair.position["position"] == "stale_in_grace" or at != pair.position["grace_until"]):
        instants = {statement.at for statement in explain_outlook(pair)}
        assert at in instants, (pair.partner["partner_id"], pair.asset["asset_id"], at, instants)


def _hold_prose(pair: Pair) -> None:
    """Every sentence is one, and names no table; evidence of the trail is evidence that exists."""
    explanation = explain(pair)
    seqs = {row["seq"] for row in pair.trail}
    for section in explanation.sections:
        for statement in section.statements:
            assert statement.text.endswith("."), statement.text
            assert not TABLE_NAME.search(statement.text), statement.text
            assert set(statement.evidence.seqs) <= seqs or section.name == "findings"
    assert document(pair, explanation)["position"]["rule_says"]
    instants = [one.at for section in explanation.sections if section.name == "timeline" for one in section.statements]
    assert instants == sorted(instants, key=lambda at: at or datetime.min.replace(tzinfo=UTC))


def _hold_advice(pair: Pair, arrivals: list[Arrival]) -> None:
    """Whoever does what is advised stands where it says."""
    assert pair.position is not None
    key = (pair.partner["partner_id"], pair.asset["asset_id"])
    is_removed_at_once = any(removal.attested_at == pair.as_of for removal in pair.removals)
    if is_removed_at_once or _stands_for_another(key, arrivals):
        return
    for remedy in remedies(standing_of(pair), pair.position["position_rule"]):
        then = positions([*arrivals, doing(pair, remedy)], as_of=pair.as_of)[key]
        assert then.position == remedy.leads_to, (key, pair.position["position_rule"], remedy)


def _stands_for_another(key: tuple[str, str], arrivals: list[Arrival]) -> bool:
    """Whether the other system uses one of the two ids for something else: then advice cannot be recorded under it."""
    said = {
        (record["entity"], record["trading_grid_id" if record["entity"] == "asset" else "vip_id"])
        for record in (arrival.record for arrival in arrivals if arrival.stream == "xref")
    }
    return bool(said & {("partner", key[0]), ("asset", key[1])})


@pytest.fixture(scope="module")
def lived_reader(lived: Path) -> Iterator[Reader]:
    with open_reader(Home((lived / "home").resolve())) as reader:
        yield reader


def texts(reader: Reader, partner: str, asset: str) -> dict[str, list[str]]:
    sections = explain(read_pair(reader, partner, asset)).sections
    return {section.name: [statement.text for statement in section.statements] for section in sections}


def test_a_partner_that_is_behind_hears_why_since_when_and_what_helps(lived_reader: Reader) -> None:
    said = texts(lived_reader, "P1", "A0")
    assert said["position"][0] == (
        "Rule 18 of section 6 gives stale_overdue: what it holds is not the version to hold, and its time to change"
        " has run out."
    )
    assert "its time to change (7 days) ended at 2026-01-27 01:00" in said["position"][1]
    names = "withdrawn held, expired held, unapproved held, ahead, no target"
    reason = f"({names}) do not match: version 2 is the one to hold."
    assert f"Rules 6\u201310 {reason}" in said["position"]
    assert said["holdings"] == ["It holds version 1: obtained at 2026-01-05 01:00."]
    assert said["target"][0] == "Version 2 is the one to hold, since 2026-01-20 01:00."
    assert said["changes"][0] == "Obtaining version 2: then it is current."
    assert said["timeline"][-1] == "Its time to change to version 2 ran out."
    assert said["notices"] == [
        "A notice (version change, version 2) waits for a person's approval; decided at 2026-02-01 01:00."
    ]


def test_the_time_line_bears_the_numbers_of_the_trail(lived_reader: Reader) -> None:
    pair = read_pair(lived_reader, "P0", "A0")
    timeline = next(section for section in explain(pair).sections if section.name == "timeline")
    downloads = [one for one in timeline.statements if one.text.startswith("It downloaded")]
    assert [one.evidence.records for one in downloads] == [("access event E0-0",), ("access event F0",)]
    assert all(one.evidence.seqs for one in downloads)


def test_a_pair_without_position_is_explained_too(lived_reader: Reader) -> None:
    pair = read_pair(lived_reader, "P5", "A3")
    assert pair.position is not None
    without = explain(_without_position(pair))
    assert without.headline.startswith("No position")
    assert without.sections[0].statements[0].text.startswith("It has no position")


def _without_position(pair: Pair) -> Pair:
    fields = {name: getattr(pair, name) for name in Pair.__dataclass_fields__}
    return Pair(**{**fields, "position": None, "grants": [], "entitlement": None})


def test_late_feeds_are_named_with_whose_they_are_and_up_to_when_they_are_known(lived_reader: Reader) -> None:
    pair = pairs_of(lived_reader)[0]
    late = [
        {"claim": "obligation", "is_late": True, "late_streams": ["acknowledgments"]},
        {"claim": "position", "is_late": True, "late_streams": ["access_events", "deliveries"]},
    ]
    feeds: list[dict[str, Any]] = [
        {"stream": "access_events", "connection": "vip", "watermark": None},
        {"stream": "acknowledgments", "connection": "tg", "watermark": utc("2026-03-02T08:00:00")},
    ]
    told_late = replace(pair, lateness=late, feeds=feeds)
    said = [one.text for one in explain(told_late).sections[0].statements if "late feeds" in one.text]
    assert "access events of vip (never read to its end) and deliveries (no connection serves it)." in said[0]
    assert said[1].endswith(f"acknowledgments of tg (known up to {pair.zone.at(utc('2026-03-02T08:00:00'))}).")
    in_time = [{**row, "is_late": False} for row in late]
    assert "late feeds" not in str(explain(replace(pair, lateness=in_time, feeds=feeds)))


def test_an_unknown_id_is_answered_with_the_nearest(lived_reader: Reader) -> None:
    refusal = unknown(lived_reader.connection, PARTNERS, "p3")
    assert isinstance(refusal, RefusedError)
    assert str(refusal).startswith("No partner 'p3' is known: did you mean P3 (Partner 3)")
    assert "A2 (Sheet 2)" in str(unknown(lived_reader.connection, ASSETS, "sheet 2"))
    assert "nothing is spelled like it" in str(unknown(lived_reader.connection, ASSETS, "zzzzzzzzzzzz"))


def row(**more: Any) -> dict[str, Any]:
    return {
        "event_kind": "downloaded",
        "subject_type": "access_event",
        "partner_id": "P",
        "version_no": 2,
        "evidence_rung": 4,
        "superseded_by": None,
        **more,
    }


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (row(), "it downloaded version 2"),
        (row(version_no=None), "it downloaded a copy of unknown version"),
        (
            row(event_kind="denied", entitlement_now="no_grant", timing_now="live"),
            "it tried to get version 2, and was refused, without a grant",
        ),
        (
            row(entitlement_then="ok", timing_then="live", entitlement_now="ok", timing_now="live"),
            "it downloaded version 2",
        ),
        (
            row(entitlement_then="ok", timing_then="live", entitlement_now="ok", timing_now="obsolete_withdrawn"),
            "it downloaded version 2, after it was withdrawn (when it became known it was judged: nothing wrong)",
        ),
        (
            row(entitlement_now="barred", timing_now="embargo", entitlement_then="barred", timing_then="embargo"),
            "it downloaded version 2, although it is barred in its region and before it took effect",
        ),
        (row(superseded_by="E9"), "it downloaded version 2 (corrected by E9: this counts in nothing)"),
        (row(subject_type="delivery", event_kind="delivery_delivered"), "version 2 was delivered into its own system"),
        (
            row(subject_type="delivery", event_kind="delivery_delivered", evidence_rung=2),
            "version 2 was delivered, to where it can be fetched",
        ),
        (
            row(subject_type="acknowledgment", event_kind="acknowledged_completed", version_no=None),
            "it attested that old copies are removed, naming no version",
        ),
        (
            row(subject_type="acknowledgment", event_kind="acknowledged_accepted", partner_id="H"),
            "its parent H, for its children too, accepted version 2",
        ),
        (row(subject_type="notice", event_kind="notice_withdrawal"), "it was told that version 2 is withdrawn"),
        (row(subject_type="notice", event_kind="notice_access_rules"), "it was sent a notice (access rules)"),
        (
            row(subject_type="request_event", event_kind="request_waiting_partner"),
            "its request waits for an answer of its own",
        ),
        (row(subject_type="issue_event", event_kind="issue_reported"), "it reported an issue with version 2"),
        (
            row(subject_type="comment", event_kind="commented_internal"),
            "somebody commented on version 2, for internal eyes",
        ),
    ],
)
def test_events_in_words(event: dict[str, Any], sentence: str) -> None:
    assert told(event, "P") == sentence


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        ("2026-07-01T10:00:00", "2026-07-01 12:00"),
        ("2026-10-25T00:30:00", "2026-10-25 02:30 (+0200)"),
        ("2026-10-25T01:30:00", "2026-10-25 02:30 (+0100)"),
    ],
)
def test_an_ambiguous_local_time_says_its_offset(instant: str, text: str) -> None:
    assert BERLIN.at(utc(instant)) == text


def test_a_zone_that_nobody_knows_is_told_in_utc() -> None:
    assert Zone("Mars/Olympus").at(utc("2026-01-01T10:00:00")) == "2026-01-01 10:00"


def test_small_words() -> None:
    assert listed([]) == ""
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert versions([2]) == "version 2"
    assert versions([1, 2, 5]) == "versions 1, 2 and 5"
    assert counted(2, "copy") == "2 copies"
    assert counted(1, "copy") == "1 copy"
    assert counted(3, "day") == "3 days"
    assert span(7 * 86_400) == "7 days"
    assert span(5_400) == "90 minutes"
    assert numbered([1, 2, 5, 6, 7, 9]) == "1, 2, 5\u20137, 9"
    assert str(Evidence((3, 4, 5), ("delivery D",))) == "trail 3\u20135; delivery D"
    assert says("it holds nothing").text == "It holds nothing."


def grant(effect: str, begins: datetime | None, ends: datetime | None) -> Grant:
    return Grant("G", effect, ["download"], "partner", "P", None, "asset", "A", None, begins, ends)


def test_entitlement_is_told_from_its_last_unbroken_beginning() -> None:
    days = [utc(f"2026-01-{number:02d}T00:00:00") for number in range(1, 10)]
    broken = [grant("allow", days[0], days[2]), grant("allow", days[3], None)]
    assert entitled_since(broken, days[6]) == days[3]
    joined = [grant("allow", days[0], days[3]), grant("allow", days[2], None)]
    assert entitled_since(joined, days[6]) == days[0]
    forbidden = [grant("allow", None, None), grant("deny", days[1], days[4])]
    assert entitled_since(forbidden, days[6]) == days[4]
    assert entitled_since([grant("allow", None, None)], days[6]) is None
