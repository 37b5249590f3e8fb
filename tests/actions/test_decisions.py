"""A person's decisions: with a name and a reason, about something that exists."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.actions.decisions import Subject, decide_dead, record_decision
from pipeline.actions.keys import action_key
from pipeline.actions.outbox import State, read_outbox
from pipeline.errors import RefusedError
from pipeline.ledger.journal import Draft
from tests.actions.remote import NOW, TURN, decided, new_journal
from tests.actions.world import World

KEY = action_key("P1")


def record(world: World, kind: str, subject: Subject, **changes: Any) -> Any:
    world.compute()
    usual: dict[str, Any] = {"actor": "olga", "reason": "agreed by phone", "connection": world.connection}
    return record_decision(world.journal, world.turn, kind, subject, **(usual | changes))


def test_a_decision_says_who_why_and_for_how_long(world: World) -> None:
    record(world, "exempt", Subject(partner_id="P1", asset_id="A1", version_no=2), valid_to=NOW + timedelta(days=1))
    world.fold()

    assert world.ask(
        "select kind, partner_id, asset_id, version_no, actor, reason, valid_from, valid_to from core.decisions"
    ) == [("exempt", "P1", "A1", 2, "olga", "agreed by phone", NOW, NOW + timedelta(days=1))]
    ((role,),) = world.ask("select role from ledger.entries where kind = 'decision'")
    assert role == "person"


def test_the_same_decision_at_the_same_instant_is_recorded_once(world: World) -> None:
    first = record(world, "exempt", Subject(partner_id="P1"))
    second = record(world, "exempt", Subject(partner_id="P1"))

    assert (first.is_new, second.is_new, first.decision_id == second.decision_id) == (True, False, True)
    assert len(world.entries("decision")) == 1


@pytest.mark.parametrize(
    ("kind", "subject", "changes", "sentence"),
    [
        ("forgive", Subject(partner_id="P1"), {}, "There is no decision 'forgive'"),
        ("exempt", Subject(partner_id="P1"), {"reason": " "}, "needs a reason"),
        ("exempt", Subject(partner_id="P1"), {"actor": ""}, "Name the person"),
        ("exempt", Subject(), {}, "needs a subject"),
        ("approve", Subject(partner_id="P1"), {}, "is about a key"),
        ("exempt", Subject(partner_id="P9"), {}, "There is no partner_id 'P9' in core.partners"),
        ("exempt", Subject(partner_id="P1", asset_id="A9"), {}, "There is no asset_id 'A9' in core.assets"),
        ("exempt", Subject(partner_id="P1", asset_id="A1", version_no=9), {}, "version_no 9 in core.asset_versions"),
        ("exempt", Subject(partner_id="P1"), {"connection": None}, "run `vipgrid sync` first"),
        ("exempt", Subject(partner_id="P1"), {"valid_from": NOW, "valid_to": NOW}, "before it begins"),
        ("exempt", Subject(key="P1|A1|2|version_change|initial"), {}, "There is no notice"),
        ("approve", Subject(key="T000009"), {}, "There is no action and no batch 'T000009'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    world: World, kind: str, subject: Subject, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RefusedError, match=re.escape(sentence)):
        record(world, kind, subject, **changes)

    assert world.entries("decision") == []


def test_what_is_not_dead_cannot_be_retried(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))

    with pytest.raises(RefusedError, match="it is pending, not dead"):
        record_decision(journal, TURN, "retry", Subject(key=KEY), actor="olga", reason="try")


def test_a_candidate_that_was_decided_about_can_be_snoozed_by_its_key(world: World) -> None:
    world.decide()

    assert record(world, "snooze", Subject(key="P1|A1|2|version_change|initial")).is_new


def died(name: str, **changes: Any) -> list[Draft]:
    draft = decided(name, **changes)
    key = str(draft.source_id)
    return [draft, TURN.draft("action_dead", {"action_key": key, "error": "refused"}, source_id=key)]


def test_all_that_is_dead_of_a_target_is_decided_about_at_once(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *died("P1"), *died("P2", target_system="vip"), decided("P3"))

    recorded = decide_dead(journal, TURN, "retry", target="vip", actor="olga", reason="it is up again")
    assert recorded.actions == 1
    states = {name: read_outbox(journal).actions[action_key(name)].state for name in ("P1", "P2", "P3")}
    assert states == {"P1": State.DEAD, "P2": State.PENDING, "P3": State.PENDING}

    decide_dead(journal, TURN, "drop", target=None, actor="olga", reason="too late")
    last = list(journal.entries())[-1]
    assert (last.actor, last.reason, last.data["subject"]) == ("olga", "too late", KEY)
    assert read_outbox(journal).actions[KEY].state is State.SUPPRESSED


@pytest.mark.parametrize(
    ("kind", "target", "reason", "sentence"),
    [
        ("retry", "owner", "try", "No action of target 'owner' is dead"),
        ("approve", None, "fine", "to drop or to retry, not to approve"),
        ("drop", None, " ", "needs a reason"),
    ],
)
def test_deciding_about_all_that_is_dead_has_to_make_sense_too(
    tmp_path: Path, kind: str, target: str | None, reason: str, sentence: str
) -> None:
    journal = new_journal(tmp_path, *died("P1"))

    with pytest.raises(RefusedError, match=re.escape(sentence)):
        decide_dead(journal, TURN, kind, target=target, actor="olga", reason=reason)
    assert list(journal.entries(frozenset({"decision"}))) == []


def test_what_died_again_can_be_retried_again_at_the_same_instant(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *died("P1"))
    for _ in range(2):
        assert decide_dead(journal, TURN, "retry", target=None, actor="olga", reason="up").actions == 1
        assert read_outbox(journal).actions[KEY].state is State.PENDING
        journal.append(died("P1")[1:])
    decisions = list(journal.entries(frozenset({"decision"})))
    assert len({entry.source_id for entry in decisions}) == 2
