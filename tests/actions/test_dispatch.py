"""Dispatching: one effect per action, none lost, and nothing sent that is not to be sent any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.actions.decisions import Subject, record_decision
from pipeline.actions.keys import action_key
from pipeline.actions.outbox import State, read_outbox
from pipeline.actions.senders import Effect, Listing, Outcome, Result
from pipeline.ledger.journal import Draft, Journal
from tests.actions.remote import NOW, TURN, FakeRemote, FakeWaiter, decided, drain, new_journal

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
    # Once soon, because it may be there; once more when it would be listed by now.
    assert len(remote.look_ups) == 2


def test_what_failed_often_and_is_not_there_is_sent_again_however_short_the_drains_are(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=in_turn(*["timeout_before"] * 9, "accept"), honours_keys=False)

    for hour in range(12):
        drain(journal, remote, turn=replace(TURN, now=NOW + timedelta(hours=2 * hour)), patience_seconds=0.5)

    assert state_of(journal) is State.SENT


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


@pytest.mark.parametrize("result", [Result.TRANSIENT, Result.UNKNOWN])
@pytest.mark.parametrize("asked", [-5.0, 1e12, float("inf")])
def test_a_target_that_asks_for_an_absurd_wait_gets_a_day_at_most(tmp_path: Path, result: Result, asked: float) -> None:
    journal = new_journal(tmp_path, decided("P1"))

    class Busy(FakeRemote):
        def post(self, effect: Effect) -> Outcome:
            return Outcome(result=result, error=effect.operation, retry_after_seconds=asked)

    remote = Busy()

    assert drain(journal, remote, patience_seconds=0).sent == 0
    retry_at = read_outbox(journal).actions[KEY].retry_at
    assert retry_at is not None
    assert NOW <= retry_at <= NOW + timedelta(days=1, seconds=10)


def test_a_list_that_answers_nonsense_leaves_the_rest_alone(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(3)))

    class Nonsense(FakeRemote):
        def look_up(self, listing: Listing, keys: Sequence[str]) -> dict[str, str]:
            raise KeyError(listing, keys)

    remote = Nonsense(plan=lambda key: "timeout_before" if key == KEY else "accept")
    outcome = drain(journal, remote, patience_seconds=5)

    assert (outcome.sent, outcome.unknown) == (2, 1)
    assert "looking up failed: KeyError" in outcome.messages[-1]


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

    assert action_key("urgent") in remote.order[:4]


def test_what_a_pattern_calls_urgent_goes_first_even_when_it_is_tried_again(tmp_path: Path) -> None:
    ordinary = [decided(f"P{number}") for number in range(300)]
    journal = new_journal(tmp_path, *ordinary, decided("urgent", is_urgent=True))
    urgent = action_key("urgent")
    plans = iter(["busy_429"])
    remote = FakeRemote(plan=lambda key: next(plans, "accept") if key == urgent else "accept")

    drain(journal, remote, requests_per_second=20)

    assert remote.tries[urgent] == 2
    assert remote.order.index(urgent, remote.order.index(urgent) + 1) < 200


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


@pytest.mark.parametrize("lists_within", ["1s", "60s"])
def test_what_is_not_listed_is_sent_again_only_when_it_would_be_listed_by_now(
    tmp_path: Path, lists_within: str
) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    waiter = FakeWaiter()
    sent_at: list[float] = []

    def plan(_: str) -> str:
        sent_at.append(waiter.seconds)
        return "timeout_before" if len(sent_at) == 1 else "accept"

    targets = {"trading_grid": {"lists_within": lists_within}}
    drain(journal, FakeRemote(plan=plan), waiter=waiter, targets=targets)

    assert (sent_at[1] - sent_at[0] >= 60) == (lists_within == "60s")


def test_what_is_contested_and_listed_nowhere_waits_for_the_next_drain(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=in_turn("conflict_409"), can_look_up=False)

    assert drain(journal, remote).unknown == 1
    assert remote.tries[KEY] == 1
    later = replace(TURN, now=NOW + timedelta(hours=1))
    assert drain(journal, remote, turn=later).sent == 1


def test_the_first_post_after_a_restore_is_looked_up_first(tmp_path: Path) -> None:
    restored = TURN.draft("restored", {"at": "2026-03-10T08:00:00.000000Z"})
    journal = new_journal(tmp_path, restored, decided("P1"), decided("P2"))
    remote = FakeRemote(honours_keys=False)
    remote.effects[KEY] = 1

    outcome = drain(journal, remote)

    assert (outcome.sent, remote.effects[KEY], remote.effects[action_key("P2")]) == (2, 1, 1)
    assert [len(keys) for keys in remote.look_ups] == [2]
    assert remote.tries[KEY] == 0


def test_what_was_on_its_way_once_is_looked_up_before_it_is_tried_again(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, decided("P1"))
    remote = FakeRemote(plan=lambda _: "timeout_before", honours_keys=False)
    assert drain(journal, remote, max_attempts=1).dead == 1
    remote.effects[KEY] = 1
    record_decision(journal, TURN, "retry", Subject(key=KEY), actor="olga", reason="it is up again")

    assert drain(journal, remote).sent == 1
    assert (remote.effects[KEY], remote.tries[KEY]) == (1, 1)


def test_a_target_that_is_down_holds_back_no_other(tmp_path: Path) -> None:
    vip = [decided(f"V{number}", target_system="vip", operation="open_review") for number in range(5)]
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(50)), *vip)
    waiter = FakeWaiter()
    down = FakeRemote(plan=lambda _: "down")
    up = FakeRemote()

    outcome = drain(journal, down, vip=up, waiter=waiter, patience_seconds=10)

    assert (outcome.sent, outcome.failed) == (5, 50)
    assert waiter.seconds < 12


def test_once_a_target_is_found_down_the_rest_of_the_batch_is_not_tried(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(64)))
    remote = FakeRemote(plan=lambda _: "down")

    outcome = drain(journal, remote, patience_seconds=0)

    assert outcome.failed == 64
    assert sum(remote.tries.values()) == outcome.requests <= 4


def test_a_drain_that_takes_too_long_leaves_the_rest_to_the_next_one(tmp_path: Path) -> None:
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(100)))
    remote = FakeRemote()

    outcome = drain(journal, remote, requests_per_second=1, longest_seconds=30)

    assert 25 <= outcome.sent <= 35
    assert outcome.pending == 100 - outcome.sent
    assert "the next drain goes on with them" in outcome.messages[-1]


def test_each_target_has_its_own_rate(tmp_path: Path) -> None:
    vip = [decided(f"V{number}", target_system="vip") for number in range(20)]
    journal = new_journal(tmp_path, *(decided(f"P{number}") for number in range(20)), *vip)
    waiter = FakeWaiter()
    seen: dict[str, list[float]] = {"trading_grid": [], "vip": []}

    def remote(name: str) -> FakeRemote:
        return FakeRemote(plan=lambda _: seen[name].append(waiter.seconds) or "accept")  # type: ignore[func-returns-value]

    targets = {"trading_grid": {"requests_per_second": 10}, "vip": {"requests_per_second": 2}}
    drain(journal, remote("trading_grid"), vip=remote("vip"), waiter=waiter, targets=targets, threads=1)

    for name, rate in (("trading_grid", 10), ("vip", 2)):
        gaps = [after - before for before, after in pairwise(seen[name])]
        assert min(gaps) >= 1 / rate - 1e-9, name
    assert seen["trading_grid"][-1] < seen["vip"][-1]


class Kill(BaseException):
    """The process ends here."""


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

    def append(self, drafts: Iterable[Draft]) -> None:
        appended = list(drafts)
        super().append(appended)
        self.left -= bool(appended)
        if self.left == 0:
            raise Kill
