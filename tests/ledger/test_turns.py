"""Turns: numbered, resumed where they never ended, and never known earlier than the one before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.ledger.journal import Journal
from pipeline.ledger.runs import RUN_ENDED, RUN_STARTED, unended_runs
from pipeline.ledger.turns import TURN_COMPLETED, Turn, first_turn, open_turn, read_turns

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def complete(journal: Journal, turn: Turn) -> None:
    journal.append([turn.draft(TURN_COMPLETED, {"turn": str(turn.number)})])


def test_a_turn_that_never_ended_is_resumed_at_the_same_instant(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    first = open_turn(journal, NOON, NOON)
    assert open_turn(journal, NOON, NOON + timedelta(days=1)) == first
    complete(journal, first)
    assert open_turn(journal, NOON, NOON).number == 2


def test_a_turn_about_another_instant_leaves_the_unfinished_one_behind(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    open_turn(journal, NOON, NOON)
    second = open_turn(journal, NOON + timedelta(minutes=1), NOON)
    assert second.number == 2
    assert read_turns(journal).unfinished == second


def test_without_an_instant_an_unfinished_turn_of_a_moment_ago_is_resumed(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    first = open_turn(journal, None, NOON)
    assert open_turn(journal, None, NOON + timedelta(minutes=5)) == first
    assert open_turn(journal, None, NOON + timedelta(hours=5)).number == 2


def test_a_question_about_the_past_does_not_make_anything_known_earlier(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    complete(journal, open_turn(journal, NOON, NOON))
    past = open_turn(journal, NOON - timedelta(days=9), NOON)
    assert past.now == NOON - timedelta(days=9)
    assert past.known_at == NOON


def test_the_first_turn_is_the_go_live_for_good(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert first_turn(journal) is None
    first = open_turn(journal, NOON, NOON)
    complete(journal, first)
    open_turn(journal, NOON + timedelta(days=1), NOON)
    assert first_turn(journal) == first


def test_runs_without_an_end_are_found(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    turn = Turn(1, NOON, NOON)
    for kind, run_id in ((RUN_STARTED, "a"), (RUN_STARTED, "b"), (RUN_ENDED, "a")):
        journal.append([turn.draft(kind, {}, source_id=run_id)])
    assert unended_runs(journal) == ("b",)
