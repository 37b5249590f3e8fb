"""The outbox's fold in Python, which the dispatcher trusts, equals the one in SQL, which everybody else reads."""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.actions.decisions import Subject, record_decision
from pipeline.actions.keys import action_key
from pipeline.actions.outbox import State, read_outbox
from pipeline.errors import RefusedError
from pipeline.ledger.turns import Turn
from tests.actions.remote import TURN, decided
from tests.actions.world import AFTER, World, open_world

NAMES = ("A", "B", "C")
EVENTS: dict[str, dict[str, Any]] = {
    "action_leased": {"attempt": "1"},
    "action_sent": {"remote_id": "N1", "how": "posted"},
    "action_unknown": {"error": "no answer", "retry_at": "2026-03-10T08:00:01.000000Z"},
    "action_failed": {"error": "busy", "retry_at": "2026-03-10T08:00:02.000000Z", "counts": True},
    "action_dead": {"error": "refused"},
    "action_suppressed": {"reason": "no_longer_due"},
}
NEXT = {
    State.PENDING: ("action_leased", "action_suppressed"),
    State.HELD_FOR_APPROVAL: ("action_suppressed",),
    State.LEASED: ("action_sent", "action_unknown", "action_failed", "action_dead"),
    State.UNKNOWN: ("action_leased", "action_sent", "action_dead", "action_suppressed"),
    State.FAILED: ("action_leased", "action_sent", "action_suppressed"),
    State.SUPPRESSED: ("action_decided",),
    State.DEAD: (),
    State.SENT: (),
}
STEPS = st.lists(st.integers(0, 2**16), min_size=1, max_size=40)


def take_step(world: World, dice: int) -> None:
    """Append something that can happen next."""
    turn = replace(TURN, known_at=TURN.known_at + timedelta(seconds=dice % 7))
    name = NAMES[dice % 3]
    kind = ("machine", "machine", "machine", "approve", "reject", "retry", "drop")[dice // 3 % 7]
    action = read_outbox(world.journal).actions.get(action_key(name))
    if action is None:
        world.journal.append([_decision(turn, name, is_held=dice // 21 % 2 == 0)])
    elif kind == "machine":
        events = NEXT[action.state]
        if events:
            _happen(world, turn, name, events[dice // 21 % len(events)])
    else:
        subject = "T000001" if dice // 21 % 2 and action.batch else action.key
        try:
            record_decision(world.journal, turn, kind, Subject(key=subject), actor="olga", reason=str(dice))
        except RefusedError:
            return


def _happen(world: World, turn: Turn, name: str, event: str) -> None:
    key = action_key(name)
    if event == "action_decided":
        world.journal.append([_decision(turn, name, is_held=False)])
    else:
        world.journal.append([turn.draft(event, {"action_key": key} | EVENTS[event], source_id=key)])


def _decision(turn: Turn, name: str, *, is_held: bool) -> Any:
    draft = decided(name, needs_approval=is_held, batch="T000001" if is_held else None)
    return msgspec.structs.replace(draft, known_at=turn.known_at)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_the_fold_in_sql_is_the_fold_in_python(steps: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_world(Path(folder)) as world:
        for dice in steps:
            take_step(world, dice)
        world.compute()
        world._run(AFTER[:3])
        in_sql = world.ask("select action_key, state, attempts, last_error, retry_at from sync.actions order by all")
        in_python = [
            (
                action.key,
                action.state.value,
                action.attempts,
                action.last_error,
                action.retry_at if action.state in {State.UNKNOWN, State.FAILED} else None,
            )
            for action in sorted(read_outbox(world.journal).actions.values(), key=lambda action: action.key)
        ]

        assert in_sql == in_python


def test_a_lease_whose_run_is_over_is_unknown_in_the_table(world: World) -> None:
    world.decide()
    ((key,),) = world.ask("select action_key from sync.actions")
    world.journal.append([world.turn.draft("action_leased", {"action_key": key, "attempt": "1"}, source_id=key)])
    world.fold()
    assert world.ask("select state, attempts from sync.actions") == [("leased", 1)]

    world.next_turn()
    world.fold()
    assert world.ask("select state, attempts from sync.actions") == [("unknown", 1)]
    assert world.ask("select decision from sync.notice_decisions") == [("pending",)]


@pytest.mark.parametrize(
    ("given_rows", "reason"),
    [
        ({"freshness.positions": {"position": "current", "held_versions": [2]}}, "no_longer_due"),
        ({"core.partners": {"status": "left", "gone_from": TURN.now}}, "partner_left"),
        ({"freshness.positions": {"target_version_no": 3, "position": "current"}}, "superseded_by_newer"),
        ({"core.notices": {}}, "duplicate"),
    ],
)
def test_the_last_look_says_why_a_notice_is_not_to_be_sent(
    world: World, given_rows: dict[str, dict[str, Any]], reason: str
) -> None:
    world.decide()
    for table, row in given_rows.items():
        world.give(table, row)
    world.compute()
    world.fold()

    assert world.ask("select verdict, reason from sync.notice_rechecks") == [("suppress", reason)]


def test_a_version_that_was_barred_for_the_partner_meanwhile_is_not_announced(world: World) -> None:
    world.decide()
    world.give("freshness.positions", {"position": "current", "target_version_no": 1})
    world.rows["freshness.version_terms"][1]["is_barred"] = True
    world.compute()
    world.fold()

    assert world.ask("select verdict, reason from sync.notice_rechecks") == [("suppress", "barred")]


def test_a_notice_waits_while_the_data_is_late_and_is_found_where_it_is_listed(world: World) -> None:
    world.decide()
    world.give("ops.data_late", {"is_late": True})
    world.compute()
    world.fold()
    assert world.ask("select verdict, reason from sync.notice_rechecks") == [("wait", "data_late")]

    ((key,),) = world.ask("select action_key from sync.actions")
    world.give("core.notices", {"external_key": key})
    world.compute()
    world.fold()
    assert world.ask("select verdict, remote_id from sync.notice_rechecks") == [("found", "N1")]


def test_the_log_has_our_notices_and_those_of_others_once_each(world: World) -> None:
    world.decide()
    ((key,),) = world.ask("select action_key from sync.actions")
    world.journal.append(
        [
            world.turn.draft("action_leased", {"action_key": key, "attempt": "1"}, source_id=key),
            world.turn.draft("action_sent", {"action_key": key, "remote_id": "N1", "how": "posted"}, source_id=key),
        ]
    )
    world.give(
        "core.notices",
        {"external_key": key, "read_at": TURN.now},
        {"notice_id": "N2", "external_key": key, "posted_at": TURN.now},
        {"notice_id": "N3", "partner_id": "P9", "retracted_at": TURN.now},
    )
    world.compute()
    world.fold()

    assert world.ask(
        "select notice_key, remote_id, partner_id, state, posted_by, read_at is not null, reason"
        " from marts.notice_log order by remote_id"
    ) == [
        (key, "N1", "P1", "sent", "vipgrid", True, "holds_something_else_than_the_target"),
        ("N2", "N2", "P1", "sent", "vipgrid", False, "posted a second time under one key"),
        ("N3", "N3", "P9", "retracted", "trading_grid", False, None),
    ]


def test_keys_of_odd_ids_never_meet() -> None:
    dice = random.Random(1)
    made = {tuple(dice.choice(("a|", "|", "\\", "\\|", "a")) for _ in range(2)) for _ in range(200)}

    from pipeline.actions.keys import joined

    assert len({joined(*parts) for parts in made}) == len(made)
