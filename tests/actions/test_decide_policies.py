"""The policies over a turn's candidates: windows, digests, caps, approval, audience, the circuit breaker."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.actions.candidates import read_candidates
from pipeline.actions.choosing import make_plan
from pipeline.actions.decide import DecideOutcome, decide_actions, read_given
from pipeline.actions.decisions import Subject, record_decision
from pipeline.actions.outbox import read_outbox
from tests.actions.test_decide import make_partners
from tests.actions.world import NOW, World, open_world

NIGHT = {"send_window": {"from": "13:00", "until": "17:00"}}
DAILY = {"digest": {"every": "daily", "at_least": 3}}
LOS_ANGELES = "America/Los_Angeles"


def requests(world: World, count: int, **columns: Any) -> None:
    """Give P1 so many updates of its requests, and nothing else."""
    world.give("freshness.positions", {"position": "current"})
    world.give("sync.request_notices", *({"step": f"accepted:RQ-{no}:1", **columns} for no in range(count)))


def decisions(world: World) -> list[tuple[str, str | None, int]]:
    return world.ask(
        "select decision, reason, count(*) from sync.notice_decisions"
        " group by decision, reason order by decision, reason"
    )


def test_a_notice_waits_for_the_partners_own_morning(tmp_path: Path) -> None:
    with open_world(tmp_path, send_window={"from": "08:00", "until": "18:00"}) as world:
        names = {"P1": "Europe/Berlin", "P2": LOS_ANGELES}
        make_partners(world, 2)
        world.give("core.partners", *({"partner_id": key, "zone": zone} for key, zone in names.items()))
        world.add("freshness.version_terms", zone=LOS_ANGELES, version_no=2)
        world.add("freshness.version_lives", zone=LOS_ANGELES)
        world.add("freshness.notice_occasions", zone=LOS_ANGELES)
        outcome = world.decide()

        assert (outcome.actions, outcome.deferred) == (1, 1)
        assert world.ask(
            "select partner_id, decision, reason, deferred_until from sync.notice_decisions order by 1"
        ) == [
            ("P1", "pending", None, None),
            ("P2", "deferred", "quiet_hours", NOW + timedelta(hours=7)),
        ]
        world.next_turn(timedelta(hours=7))
        assert world.decide().actions == 1


@pytest.mark.parametrize(("kind", "classification"), [("withdrawal", "standard"), ("version_change", "safety")])
def test_withdrawals_and_safety_go_at_night_and_beyond_the_cap(tmp_path: Path, kind: str, classification: str) -> None:
    with open_world(tmp_path, **NIGHT, caps={"per_day": 1}) as world:
        world.give("core.assets", {"classification": classification})
        if kind == "withdrawal":
            world.give("freshness.positions", {"position": "current"})
            world.withdraw(1, NOW)
            world.add("freshness.held_copies", version_no=2)
            world.withdraw(2, NOW)
        world.decide()

        assert {decision for decision, _, _ in decisions(world)} == {"pending"}


def test_where_turns_are_too_rare_for_the_window_a_notice_goes_out_at_the_next_one(tmp_path: Path) -> None:
    with open_world(tmp_path, **NIGHT) as world:
        assert world.decide().deferred == 1
        world.next_turn(timedelta(days=1))

        assert world.decide().actions == 1


def test_a_deferral_is_one_entry_however_many_turns_it_lasts(tmp_path: Path) -> None:
    with open_world(tmp_path, **NIGHT) as world:
        for _ in range(3):
            world.decide()
            world.next_turn()

        assert len(world.entries("notice_decided")) == 1


def test_windows_skip_weekends_and_public_holidays(tmp_path: Path) -> None:
    window = {"from": "08:00", "until": "18:00", "country": "DE"}
    with open_world(tmp_path, send_window=window) as world:
        # Good Friday 2026 is 3 April, Easter Monday the 6th.
        world.next_turn(timedelta(days=24))
        world.decide()

        ((until,),) = world.ask("select deferred_until from sync.notice_decisions")
        assert until.date().isoformat() == "2026-04-07"


def test_several_notices_of_one_turn_become_one_digest(tmp_path: Path) -> None:
    with open_world(tmp_path, **DAILY) as world:
        requests(world, 4)
        outcome = world.decide()

        assert (outcome.actions, outcome.digested) == (1, 4)
        ((kind, subject, items),) = world.ask(
            "select kind, json_extract_string(payload, '$.subject'),"
            " json_array_length(payload, '$.details.items') from sync.actions"
        )
        assert (kind, subject, items) == ("digest", "4 things to look at", 4)
        assert decisions(world) == [("digested", None, 4)]
        assert world.decide().actions == 0


def test_fewer_than_make_a_digest_go_singly_and_what_owes_an_answer_always_does(tmp_path: Path) -> None:
    with open_world(tmp_path, **DAILY) as world:
        requests(world, 2)
        world.give("freshness.positions", {})
        outcome = world.decide()

        assert (outcome.actions, outcome.digested) == (3, 0)


def test_a_partner_gets_one_digest_a_day_and_the_rest_the_day_after(tmp_path: Path) -> None:
    with open_world(tmp_path, **DAILY) as world:
        requests(world, 3)
        world.decide()
        world.give("sync.request_notices", *({"step": f"delivered:RQ-{no}:1"} for no in range(3)))
        world.next_turn(timedelta(hours=1))
        assert world.decide().deferred == 3
        assert world.ask("select distinct deferred_until from sync.notice_decisions where decision = 'deferred'") == [
            (NOW.replace(hour=23),)
        ]

        world.next_turn(timedelta(days=1))
        assert world.decide().digested == 3


def test_a_trickle_does_not_slip_past_the_digest(tmp_path: Path) -> None:
    with open_world(tmp_path, **DAILY) as world:
        sent = []
        for no in range(5):
            world.give("freshness.positions", {"position": "current"})
            world.add("sync.request_notices", step=f"accepted:RQ-{no}:1")
            sent.append(world.decide().actions)
            world.next_turn(timedelta(minutes=15))

        assert sent == [1, 1, 0, 0, 1]
        assert world.ask("select kind from sync.actions order by decided_at desc limit 1") == [("digest",)]


def test_a_digest_that_lost_an_item_is_made_anew_without_it(tmp_path: Path) -> None:
    with open_world(tmp_path, **DAILY) as world:
        requests(world, 4)
        world.decide()
        world.rows["sync.request_notices"].pop()
        world.next_turn()
        world.compute()
        world.fold()
        ((key, verdict, reason),) = world.ask("select action_key, verdict, reason from sync.notice_rechecks")
        assert (verdict, reason) == ("suppress", "made_anew_without_what_is_no_longer_due")

        world.journal.append(
            [world.turn.draft("action_suppressed", {"action_key": key, "reason": reason}, source_id=key)]
        )
        assert world.decide().digested == 3
        assert world.ask("select count(*) from sync.actions where state = 'pending'") == [(1,)]


def test_a_digest_that_a_person_rejected_is_final(tmp_path: Path) -> None:
    with open_world(tmp_path, **DAILY, approve_above={"partners": 0, "share": 1.0}) as world:
        requests(world, 3)
        world.decide()
        record_decision(world.journal, world.turn, "reject", Subject(key="T000001"), actor="olga", reason="no")
        world.next_turn()

        assert world.decide().actions == 0
        assert decisions(world) == [("suppressed", "rejected: no", 3)]


def test_beyond_the_cap_of_a_day_the_rest_waits_for_the_next_day(tmp_path: Path) -> None:
    with open_world(tmp_path, caps={"per_day": 2}) as world:
        requests(world, 3)
        assert world.decide().actions == 2
        assert decisions(world) == [("pending", None, 2), ("suppressed", "cap", 1)]

        world.next_turn(timedelta(hours=1))
        assert world.decide().actions == 0
        world.next_turn(timedelta(days=1))
        assert world.decide().actions == 1


def test_the_cap_of_a_week_counts_from_monday(tmp_path: Path) -> None:
    with open_world(tmp_path, caps={"per_week": 2}) as world:
        requests(world, 3)
        assert world.decide().actions == 2
        # NOW is a Tuesday.
        world.next_turn(timedelta(days=5))
        assert world.decide().actions == 0
        world.next_turn(timedelta(days=1))
        assert world.decide().actions == 1


@pytest.mark.parametrize(
    ("rule", "held"),
    [({"kinds": ["version_change"]}, 1), ({"classifications": ["regulated"]}, 0), ({"kinds": ["withdrawal"]}, 0)],
)
def test_what_always_needs_a_look_waits_in_a_batch_of_its_own(tmp_path: Path, rule: dict[str, Any], held: int) -> None:
    with open_world(tmp_path, approve_always=[rule]) as world:
        outcome = world.decide()

        assert outcome.held == held
        if held:
            assert world.ask("select state, batch from sync.actions where operation = 'post_notice'") == [
                ("held_for_approval", "T000001-rules")
            ]
            assert "vipgrid decide approve T000001-rules" in outcome.messages[0]


@pytest.mark.parametrize(
    ("audience", "told"),
    [
        ({"include": {"partners": ["P2"]}}, {"P2"}),
        ({"exclude": {"regions": ["US"]}}, {"P1"}),
        ({"include": {"tiers": ["gold"]}}, {"P2"}),
        ({"include": {"groups": ["G1"]}}, {"P1"}),
        ({"include": {"groups": ["G1"]}, "exclude": {"partners": ["P1"]}}, set()),
        ({"exclude": {"regions": ["U"]}}, {"P1", "P2"}),
    ],
)
def test_only_the_configured_audience_hears_of_anything(
    tmp_path: Path, audience: dict[str, Any], told: set[str]
) -> None:
    with open_world(tmp_path, audience=audience) as world:
        make_partners(world, 2)
        world.give("core.partners", {}, {"partner_id": "P2", "region": "US-CA", "tier": "gold"})
        for table in ("freshness.version_terms", "freshness.version_lives", "freshness.notice_occasions"):
            world.add(table, region="US-CA", version_no=2)
        world.decide()

        found = world.ask("select partner_id, decision, reason from sync.notice_decisions")
        assert {key for key, decision, _ in found if decision == "pending"} == told
        assert {reason for key, _, reason in found if key not in told} <= {"not_in_audience"}


def test_an_import_that_turns_the_whole_network_stale_sends_nothing_and_says_so(tmp_path: Path) -> None:
    with open_world(tmp_path, approve_above={"partners": 5, "share": 0.5}, **DAILY) as world:
        make_partners(world, 10)
        outcome = world.decide()

        assert world.ask("select distinct state from sync.actions where operation = 'post_notice'") == [
            ("held_for_approval",)
        ]
        assert outcome.held == 10
        said = " ".join(outcome.messages)
        assert "T000001 would notify 10 of 10 active partners" in said
        assert "nothing of it is sent" in said


def test_the_breaker_counts_whom_quiet_hours_would_only_delay(tmp_path: Path) -> None:
    with open_world(tmp_path, approve_above={"partners": 5, "share": 1.0}, **NIGHT) as world:
        make_partners(world, 10)

        assert world.decide().held == 10


def test_the_breaker_counts_the_partners_of_digests(tmp_path: Path) -> None:
    with open_world(tmp_path, approve_above={"partners": 1, "share": 1.0}, **DAILY) as world:
        make_partners(world, 2)
        world.give("freshness.positions")
        world.give(
            "sync.request_notices",
            *({"partner_id": f"P{1 + no % 2}", "step": f"accepted:RQ-{no}:1"} for no in range(6)),
        )
        outcome = world.decide()

        assert (outcome.held, outcome.digested) == (2, 6)
        assert decisions(world) == [("held_for_approval", None, 6)]


def test_data_that_is_late_sends_nothing(world: World) -> None:
    make_partners(world, 3)
    world.withdraw(1, NOW)
    world.give("ops.data_late", {"is_late": True})

    assert world.decide().actions == 0
    assert {reason for _, reason, _ in decisions(world)} == {"data_late"}


def test_a_version_superseded_between_decision_and_sending_is_not_announced(world: World) -> None:
    world.give("freshness.audiences", {})
    world.decide()
    world.give("freshness.version_lives", {"ended_at": NOW}, {"version_no": 3, "effective_at": NOW})
    world.give("freshness.positions", {"position": "current", "target_version_no": 3})
    world.next_turn()
    world.compute()
    world.fold()

    assert world.ask("select verdict, reason from sync.notice_rechecks") == [("suppress", "superseded_by_newer")]


def plan_of(world: World) -> list[tuple[str, str, str | None, str | None]]:
    given = read_given(world.connection, read_outbox(world.journal), world.turn, world.settings)
    plan = make_plan(read_candidates(world.connection), given)
    return [(one.candidate.candidate_key, one.decision, one.reason, one.key) for one in plan.choices]


def test_the_same_inputs_give_the_same_decisions(tmp_path: Path) -> None:
    policies = {**DAILY, "caps": {"per_day": 3}, "send_window": {"from": "08:00", "until": "18:00"}}
    with open_world(tmp_path, **policies) as world:
        make_partners(world, 3)
        requests(world, 4)
        world.give("freshness.positions", *({"partner_id": f"P{no}"} for no in (1, 2, 3)))
        world.compute()
        planned = plan_of(world)

        assert plan_of(world) == planned
        outcome: DecideOutcome = decide_actions(world.connection, world.journal, world.turn, world.settings)
        assert outcome.actions == 4
        kept = read_outbox(world.journal).notice_decisions
        assert {(key, one["decision"], one["reason"], one["action_key"]) for key, one in kept.items()} == set(planned)
