"""Dispatching: one effect per action, none lost, and nothing sent that is not to be sent any more."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.actions.decisions import Subject, record_decision
from pipeline.actions.keys import action_key
from pipeline.actions.outbox import State, read_outbox
from pipeline.ledger.journal import Draft, Journal
from tests.actions.remote import NOW, TURN, FakeRemote, FakeWaiter, decided, drain, faults, new_journal

KEY = action_key("P1")


def state_of(journal: Journal, key: str = KEY) -> State:
    return read_outbox(journal).actions[key].state


def in_turn(*plans: str) -> Callable[[str], str]:
    """Return a plan for one attempt after another; the rest is accepted."""
    left = iter(plans)
    return lambda _: next(left, "accept")


def kinds(journal: Journal) -> list[str]:
    return [entry.kind for entry in journal.entries() if entry.kind != "action_decided"]


def test_a_pending_action_is_leased_durably_sent_and_recorded(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=lambda _: "accept" if "action_leased" in kinds(journal) else "refuse_400")

    outcome = drain(journal, remote)

    assert (outcome.sent, remote.effects[KEY]) == (1, 1)
    assert kinds(journal) == ["action_leased", "action_sent"]
    assert drain(journal, remote).requests == 0


def test_an_effect_of_unknown_fate_is_looked_up_and_not_sent_again_where_it_is_there(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=lambda _: "timeout_after", honours_keys=False)

    outcome = drain(journal, remote)

    assert (outcome.sent, remote.effects[KEY], remote.tries[KEY]) == (1, 1, 1)
    assert list(journal.entries())[-1].data == {"action_key": KEY, "remote_id": f"N-{KEY}", "how": "found"}


def test_an_effect_of_unknown_fate_is_sent_again_where_it_is_not_there(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=in_turn("timeout_before", "accept"), honours_keys=False)

    assert drain(journal, remote).sent == 1
    assert remote.effects[KEY] == 1
    assert len(remote.look_ups) == 1


@pytest.mark.parametrize("answer", ["conflict_409", "conflict_422"])
def test_a_conflict_with_an_earlier_attempt_of_ours_counts_as_sent(tmp_path: Path, answer: str) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=lambda _: answer)
    remote.effects[KEY] = 1

    assert drain(journal, remote).sent == 1
    assert remote.effects[KEY] == 1


def test_a_replayed_answer_is_recorded_as_such(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=in_turn("timeout_after", "accept"), can_look_up=False)

    assert drain(journal, remote).sent == 1
    assert remote.effects[KEY] == 1
    assert list(journal.entries())[-1].data["how"] == "replayed"


def test_an_action_that_is_rejected_is_dead_at_once_and_the_rest_goes_on(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(1, 60)))
    remote = FakeRemote(plan=lambda key: "refuse_400" if key == KEY else "accept")

    outcome = drain(journal, remote)

    assert (outcome.sent, outcome.dead, remote.tries[KEY]) == (58, 1, 1)
    assert state_of(journal) is State.DEAD


def test_a_poisoned_action_never_blocks_the_rest_and_dies_after_all_its_tries(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(1, 6)))
    remote = FakeRemote(plan=lambda key: "explode" if key == KEY else "accept")

    outcome = drain(journal, remote, max_attempts=4)

    assert (outcome.sent, outcome.dead, remote.tries[KEY]) == (4, 1, 4)


def test_the_time_that_a_target_asks_for_is_kept_and_outlives_the_drain(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=in_turn("busy_429", "accept"))

    assert drain(journal, remote, patience_seconds=0).failed == 1
    retry_at = read_outbox(journal).actions[KEY].retry_at
    assert retry_at is not None
    assert retry_at >= NOW + timedelta(seconds=3)
    assert drain(journal, remote, patience_seconds=0).requests == 0
    assert drain(journal, remote, turn=replace(TURN, now=retry_at), patience_seconds=0).sent == 1


def test_a_target_that_is_down_is_not_hammered_and_kills_no_action(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(1, 200)))
    remote = FakeRemote(plan=lambda _: "down")

    outcome = drain(journal, remote, patience_seconds=60, max_attempts=1)

    assert outcome.dead == 0
    assert sum(remote.tries.values()) < 60
    assert "trading_grid is not answering: nobody answers there" in outcome.messages
    remote.plan = lambda _: "accept"
    later = replace(TURN, now=NOW + timedelta(hours=2))
    assert drain(journal, remote, turn=later, max_attempts=1).sent == 199


def test_nothing_is_sent_again_while_the_target_cannot_be_asked_what_it_has(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=lambda _: "timeout_after", honours_keys=False, fails_to_list=3)

    assert drain(journal, remote, patience_seconds=0).unknown == 1
    later = replace(TURN, now=NOW + timedelta(hours=1))
    assert drain(journal, remote, turn=later).sent == 1
    assert remote.tries[KEY] == 1


def test_many_keys_are_looked_up_in_one_request(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(50)))
    remote = FakeRemote(plan=lambda _: "timeout_after")

    assert drain(journal, remote).sent == 50
    assert [len(keys) for keys in remote.look_ups] == [50]


def test_what_waits_for_approval_is_not_sent_before_it_is_approved(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1", needs_approval=True, batch="T000001"))
    remote = FakeRemote()

    assert drain(journal, remote).waiting_for_approval == 1
    record_decision(journal, TURN, "approve", Subject(key="T000001"), actor="olga", reason="it is right")
    assert drain(journal, remote).sent == 1


def test_what_has_no_door_stays_pending_with_a_sentence(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))

    outcome = drain(journal, None)

    assert outcome.pending == 1
    assert outcome.messages[0].startswith("Pending for trading_grid, which nothing here can write to: 1; ")


def test_the_last_look_suppresses_waits_or_finds(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *(decided(name) for name in ("P1", "P2", "P3", "P4")))
    remote = FakeRemote()
    rechecks = [
        (action_key("P1"), "suppress", "superseded_by_newer", None),
        (action_key("P2"), "wait", "data_late", None),
        (action_key("P3"), "found", "listed_by_trading_grid", "N-3"),
    ]

    outcome = drain(journal, remote, rechecks=rechecks)

    assert (outcome.suppressed, outcome.sent, outcome.pending) == (1, 2, 1)
    assert remote.order == [action_key("P4")]
    assert state_of(journal, action_key("P2")) is State.PENDING


def test_what_may_be_there_already_is_looked_up_before_it_is_suppressed(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"), decided("P2"))
    remote = FakeRemote(plan=lambda key: "timeout_after" if key == KEY else "timeout_before")
    drain(journal, remote, patience_seconds=0)
    rechecks = [(action_key(name), "suppress", "no_longer_due", None) for name in ("P1", "P2")]

    drain(journal, remote, turn=replace(TURN, now=NOW + timedelta(hours=1)), rechecks=rechecks)

    assert state_of(journal) is State.SENT
    assert state_of(journal, action_key("P2")) is State.SUPPRESSED


def test_withdrawals_go_first(tmp_path: Path) -> None:
    journal = new_journal(
        tmp_path, *(decided(f"P{number}") for number in range(40)), decided("urgent", kind="withdrawal")
    )
    remote = FakeRemote()
    drain(journal, remote)

    assert action_key("urgent") in remote.order[:32]


def test_the_rate_of_a_target_is_kept(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(50)))
    waiter = FakeWaiter()
    drain(journal, FakeRemote(), waiter=waiter, requests_per_second=10)

    assert waiter.seconds >= 4.8


def test_a_notice_that_waited_too_long_is_left_to_be_worded_anew(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote()

    outcome = drain(journal, remote, turn=replace(TURN, now=NOW + timedelta(days=6)))

    assert (outcome.sent, outcome.pending) == (0, 1)
    assert outcome.messages[-1].endswith("words anew before they are sent: 1.")


def test_the_owner_is_told_once_of_what_died(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    owner = FakeRemote(can_look_up=False)
    remote = FakeRemote(plan=lambda _: "refuse_400")

    drain(journal, remote, owner=owner)
    drain(journal, remote, owner=owner)
    assert sum(owner.effects.values()) == 1

    record_decision(journal, TURN, "retry", Subject(key=KEY), actor="olga", reason="the partner exists now")
    drain(journal, remote, owner=owner)
    assert sum(owner.effects.values()) == 2


def test_an_alert_about_what_is_settled_by_now_is_not_sent(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=lambda _: "refuse_400")
    drain(journal, remote)
    record_decision(journal, TURN, "drop", Subject(key=KEY), actor="olga", reason="no longer needed")
    owner = FakeRemote(can_look_up=False)

    assert drain(journal, remote, owner=owner).suppressed == 1
    assert not owner.tries


def test_a_retried_action_has_all_its_tries_again(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=lambda _: "busy_429")
    assert drain(journal, remote, max_attempts=3).dead == 1
    record_decision(journal, TURN, "retry", Subject(key=KEY), actor="olga", reason="it is up again")
    assert drain(journal, remote, max_attempts=3).dead == 1

    assert remote.tries[KEY] == 6


@pytest.mark.parametrize(("honours_keys", "can_look_up"), [(True, True), (False, True), (True, False)])
def test_a_thousand_actions_at_thirty_percent_faults_have_one_effect_each(
    tmp_path: Path, *, honours_keys: bool, can_look_up: bool
) -> None:
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(1_000)))
    remote = FakeRemote(plan=faults(0.3, random.Random(3)), honours_keys=honours_keys, can_look_up=can_look_up)

    outcome = drain(journal, remote)

    assert (outcome.sent, outcome.dead) == (1_000, 0)
    assert set(remote.effects.values()) == {1}
    assert len(remote.effects) == 1_000
    assert outcome.requests == sum(remote.tries.values()) + len(remote.look_ups)
    assert outcome.requests <= 1_800


class Kill(BaseException):
    """The process ends here."""


class MortalJournal(Journal):
    """Dies in an append: before it, after a part of it, or after it."""

    def __init__(self, folder: Path, dice: random.Random, share: float) -> None:
        super().__init__(folder)
        self.dice = dice
        self.share = share

    def append(self, drafts: Sequence[Draft]) -> None:
        if self.dice.random() >= self.share:
            super().append(drafts)
            return
        super().append(drafts[: self.dice.randint(0, len(drafts))])
        raise Kill


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("honours_keys", [True, False])
def test_a_dispatcher_killed_at_random_loses_nothing_and_doubles_nothing(
    tmp_path: Path, seed: int, *, honours_keys: bool
) -> None:
    dice = random.Random(seed)
    new_journal(tmp_path, *(decided(f"P{number}") for number in range(200)))
    journal = MortalJournal(tmp_path, dice, share=0.15)
    usual = faults(0.3, dice)

    def plan(key: str) -> str:
        if dice.random() < 0.01:
            raise Kill
        return usual(key)

    remote = FakeRemote(plan=plan, honours_keys=honours_keys)
    kills = 0
    turn = TURN
    while True:
        turn = replace(turn, now=turn.now + timedelta(minutes=5))
        try:
            drain(journal, remote, turn=turn)
            break
        except Kill:
            kills += 1

    assert kills > 3
    assert {action.state for action in read_outbox(journal).actions.values()} == {State.SENT}
    assert set(remote.effects.values()) == {1}
    assert len(remote.effects) == 200


def test_a_dispatcher_that_dies_at_its_nth_append_is_taken_over_at_any_n(tmp_path: Path) -> None:
    n = 0
    while True:
        n += 1
        folder = tmp_path / str(n)
        new_journal(folder, *(decided(f"P{number}") for number in range(3)))
        remote = FakeRemote(plan=in_turn("timeout_after", "busy_429", "timeout_before"), honours_keys=False)
        journal = DyingJournal(folder, n)
        try:
            drain(journal, remote)
        except Kill:
            drain(Journal(folder), remote, turn=replace(TURN, now=NOW + timedelta(hours=1)))
        else:
            break
        finally:
            assert {action.state for action in read_outbox(Journal(folder)).actions.values()} == {State.SENT}
            assert sorted(remote.effects.values()) == [1, 1, 1]
    assert n > 4


class DyingJournal(Journal):
    """Dies just after its nth append."""

    def __init__(self, folder: Path, n: int) -> None:
        super().__init__(folder)
        self.left = n

    def append(self, drafts: Sequence[Draft]) -> None:
        super().append(drafts)
        self.left -= bool(drafts)
        if self.left == 0:
            raise Kill
