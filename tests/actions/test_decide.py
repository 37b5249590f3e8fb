"""Deciding: once per candidate, journalled, and held where it would be too many."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.actions.decisions import Subject, record_decision
from pipeline.actions.outbox import State, read_outbox
from pipeline.ledger.journal import Draft, Journal
from tests.actions.world import NOW, World, open_world


def make_partners(world: World, count: int) -> None:
    names = [f"P{number}" for number in range(1, count + 1)]
    for table in ("freshness.positions", "freshness.held_copies", "core.partners"):
        world.give(table, *({"partner_id": name} for name in names))


def test_a_candidate_is_decided_once_however_often_it_is_decided(world: World) -> None:
    assert world.decide().actions == 1
    before = world.entries("action_decided", "notice_decided")

    assert world.decide().actions == 0
    world.next_turn()
    assert world.decide().actions == 0
    assert world.entries("action_decided", "notice_decided") == before
    assert [(entry.kind, entry.data["decision"]) for entry in before] == [("action_decided", "pending")]


def test_the_same_cause_has_the_same_action_in_another_home(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "two"):
        with open_world(tmp_path / name) as world:
            world.decide()
            keys.append(world.ask("select action_key from sync.actions"))

    assert keys[0] == keys[1]


def test_a_suppression_is_journalled_once_and_again_when_its_reason_changes(world: World) -> None:
    world.give("ops.data_late", {"is_late": True})
    assert world.decide().suppressed == 1
    assert world.decide().suppressed == 0

    world.give("core.notices", {})
    world.next_turn()
    assert world.decide().suppressed == 1
    assert world.ask("select decision, reason, action_key from sync.notice_decisions") == [
        ("suppressed", "duplicate", None)
    ]
    assert len(world.entries("notice_decided")) == 2


def test_what_was_suppressed_because_of_late_data_is_sent_when_the_data_is_there(world: World) -> None:
    world.give("ops.data_late", {"is_late": True})
    world.decide()
    world.give("ops.data_late", {"is_late": False})
    world.next_turn()

    assert world.decide().actions == 1
    assert world.ask("select decision, reason from sync.notice_decisions") == [("pending", None)]


def test_a_redirected_notice_goes_to_the_test_partner_and_says_for_whom_it_was_meant(tmp_path: Path) -> None:
    with open_world(tmp_path, redirect_to="P-TEST") as world:
        world.decide()
        ((payload, partner_id),) = world.ask(
            "select json_extract_string(payload, '$.partner_id'), partner_id from sync.actions"
        )

        assert (payload, partner_id) == ("P-TEST", "P1")
        assert world.entries("action_decided")[0].data["payload"]["details"]["meant_for"] == "P1"


def test_what_was_redirected_is_sent_to_the_real_partner_when_the_redirection_ends(tmp_path: Path) -> None:
    with open_world(tmp_path, redirect_to="P1") as world:
        world.decide()
        ((key,),) = world.ask("select action_key from sync.actions")
        # The test partner is one of the network here, and what was redirected to it is no notice of its own.
        world.give("core.notices", {"external_key": key})
        world.settings = world.settings.model_copy(
            update={"notices": world.settings.notices.model_copy(update={"redirect_to": None})}
        )
        world.next_turn()

        assert world.decide().actions == 1


def test_a_turn_for_too_many_partners_waits_for_a_person(tmp_path: Path) -> None:
    with open_world(tmp_path, approve_above={"partners": 2, "share": 1.0}) as world:
        make_partners(world, 3)
        outcome = world.decide()

        assert (outcome.held, outcome.batch) == (3, "T000001")
        assert "vipgrid decide approve T000001" in outcome.messages[0]
        assert world.ask("select distinct state, batch from sync.actions where operation = 'post_notice'") == [
            ("held_for_approval", "T000001")
        ]
        assert world.ask("select distinct decision from sync.notice_decisions") == [("held_for_approval",)]


def test_the_share_of_the_network_is_a_threshold_too(tmp_path: Path) -> None:
    with open_world(tmp_path, approve_above={"partners": 100, "share": 0.5}) as world:
        make_partners(world, 2)
        world.rows["freshness.positions"].pop()
        assert world.decide().held == 0

    with open_world(tmp_path / "all", approve_above={"partners": 100, "share": 0.5}) as world:
        make_partners(world, 2)
        assert world.decide().held == 2


def test_an_owner_is_alerted_once_of_a_batch_that_waits(tmp_path: Path) -> None:
    with open_world(tmp_path, approve_above={"partners": 0, "share": 1.0}) as world:
        assert world.decide().alerts == 1
        world.next_turn()
        assert world.decide().alerts == 0

        ((owner, reason),) = world.ask(
            "select json_extract_string(payload, '$.owner'), reason from sync.actions where target_system = 'owner'"
        )
        assert (owner, reason) == ("olga@example.com", "held_batch")


@pytest.mark.parametrize(("kind", "state"), [("approve", "pending"), ("reject", "suppressed")])
def test_a_person_approves_or_rejects_a_whole_batch(tmp_path: Path, kind: str, state: str) -> None:
    with open_world(tmp_path, approve_above={"partners": 0, "share": 1.0}) as world:
        make_partners(world, 2)
        world.decide()
        recorded = record_decision(
            world.journal, world.turn, kind, Subject(key="T000001"), actor="olga", reason="looked at it"
        )
        world.fold()

        assert recorded.actions == 2
        assert world.ask("select distinct state, decided_by from sync.actions where operation = 'post_notice'") == [
            (state, "olga")
        ]
        world.next_turn()
        assert world.decide().actions == 0


def test_a_batch_that_was_approved_late_is_worded_anew_before_it_is_sent(tmp_path: Path) -> None:
    with open_world(tmp_path, approve_above={"partners": 0, "share": 1.0}) as world:
        world.decide()
        world.next_turn(timedelta(days=6))
        record_decision(world.journal, world.turn, "approve", Subject(key="T000001"), actor="olga", reason="late")

        assert world.decide().actions == 1
        assert world.ask("select state, due_at, batch from sync.actions where operation = 'post_notice'") == [
            ("pending", NOW + timedelta(days=6 + 7), "T000001")
        ]
        assert world.decide().actions == 0


def test_a_notice_that_trading_grid_lists_under_our_key_is_not_decided_again_after_a_lost_journal(
    tmp_path: Path,
) -> None:
    with open_world(tmp_path / "before") as world:
        world.decide()
        ((key,),) = world.ask("select action_key from sync.actions")

    with open_world(tmp_path / "restored") as world:
        world.give("core.notices", {"external_key": key, "retracted_at": NOW})
        world.decide()

        assert world.ask("select decision, reason from sync.notice_decisions") == [("suppressed", "duplicate")]


class TornError(Exception):
    """The process ends here."""


class TearingJournal(Journal):
    """Keeps so many entries of the first large append, and dies."""

    def __init__(self, folder: Path, keep: int) -> None:
        super().__init__(folder)
        self.keep = keep

    def append(self, drafts: Iterable[Draft]) -> None:
        super().append(list(drafts)[: self.keep])
        raise TornError


@pytest.mark.parametrize("keep", range(7))
def test_a_crash_while_deciding_leaves_nothing_undecided_and_the_batch_whole(tmp_path: Path, keep: int) -> None:
    with open_world(tmp_path, approve_above={"partners": 2, "share": 1.0}) as world:
        make_partners(world, 3)
        whole = world.journal
        world.journal = TearingJournal(whole.path.parent, keep)
        with pytest.raises(TornError):
            world.decide()
        world.journal = whole
        world.decide()

        actions = [a for a in read_outbox(whole).actions.values() if a.operation == "post_notice"]
        assert len(actions) == 3
        assert {(action.state, action.batch) for action in actions} == {(State.HELD_FOR_APPROVAL, "T000001")}
        assert world.ask("select count(*) from sync.notice_decisions where action_state is not null") == [(3,)]


def test_ids_that_no_journal_entry_can_hold_stop_nobody_else(world: World) -> None:
    world.add("core.partners", partner_id="P" * 2_000)
    world.add("freshness.positions", partner_id="P" * 2_000)

    assert world.decide().actions == 1
    assert world.ask("select reason from sync.notice_decisions where decision = 'suppressed'") == [("ids_too_long",)]


def test_a_suppressed_action_is_decided_again_when_it_is_due_again(world: World) -> None:
    world.decide()
    ((key,),) = world.ask("select action_key from sync.actions")
    world.journal.append(
        [world.turn.draft("action_suppressed", {"action_key": key, "reason": "no_longer_due"}, source_id=key)]
    )
    world.next_turn()

    assert world.decide().actions == 1
    assert world.ask("select state from sync.actions") == [("pending",)]


def test_a_notice_names_the_asset_as_trading_grid_does(world: World) -> None:
    world.give("core.identities", {})
    world.decide()

    assert world.ask("select json_extract_string(payload, '$.asset_id'), asset_id from sync.actions") == [
        ("TG-1", "A1")
    ]
    assert "(TG-1)" in world.entries("action_decided")[0].data["payload"]["body"]


@pytest.mark.parametrize("target_id", ["A9", None])
def test_nothing_is_posted_under_an_id_that_means_another_asset_there(world: World, target_id: str | None) -> None:
    world.give("core.identities", {"source_id": "A1", "target_id": target_id})

    assert world.decide().actions == 0
    assert world.ask("select decision, reason from sync.notice_decisions") == [("suppressed", "unmatched_identity")]
    assert world.decide().suppressed == 0


def test_no_notice_names_another_partner(world: World) -> None:
    names = {"P1": "Nordwind", "P2": "Brauhaus Elbtal", "P3": "Caves du Midi"}
    world.give("core.partners", *({"partner_id": key, "name": name} for key, name in names.items()))
    world.give("freshness.positions", *({"partner_id": key} for key in names))
    world.give("freshness.held_copies", *({"partner_id": key} for key in names))
    world.decide()

    for partner_id, payload in world.ask("select partner_id, cast(payload as varchar) from sync.actions"):
        assert {key for key, name in names.items() if name in payload} == {partner_id}
