"""Pattern P1, request fulfilment: from a partner's words to a confirmed delivery, and every way it can go otherwise."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pipeline.actions.senders import Result
from tests.actions.desk import A1, P1, START, Desk, denial, on_its_way, open_desk


def test_a_request_is_accepted_worked_on_delivered_confirmed_and_closed(desk: Desk) -> None:
    on_its_way(desk)
    assert desk.go_on() == []

    desk.delivery("delivered")
    assert desk.go_on() == ["delivered"]
    assert desk.go_on() == []

    desk.move("confirmed")
    assert desk.go_on(2) == ["closed"]
    assert [step for (step,) in desk.ask("select step from sync.request_notices")] == []


def test_a_delivery_bears_vips_id_of_the_partner_the_request_and_an_end(desk: Desk) -> None:
    on_its_way(desk)

    payload = dict(desk.sent[-1].payload)
    assert payload == {
        "partner_id": "V-P1",
        "asset_id": A1,
        "version_no": "1",
        "channel": "portal",
        "request_id": "RQ-1",
        "expires_at": "2026-04-09T10:00:00.000000Z",
    }


def test_deciding_twice_appends_nothing_and_rebuilt_tables_decide_nothing_else(desk: Desk) -> None:
    desk.request()
    assert desk.decide().actions == 1
    before = len(desk.entries("action_decided"))

    assert desk.decide().actions == 0
    for (table,) in desk.ask("select table_name from duckdb_tables() where schema_name = 'sync'"):
        desk.connection.execute(f"drop table sync.{table}")
    assert desk.decide().actions == 0
    assert len(desk.entries("action_decided")) == before


def test_nothing_is_done_where_requests_are_not_ours_to_fulfil(tmp_path: Path) -> None:
    for enabled in (False, None):  # unset: no connection here can be written to
        with open_desk(tmp_path / str(enabled), enabled=enabled) as desk:
            desk.request()
            assert desk.go_on(2) == []


def test_what_the_partner_is_not_entitled_to_is_denied_in_the_words_that_it_asked_in(desk: Desk) -> None:
    desk.asset("A3", "Secret Launch Film", sku="SLF-1", is_entitled=False)
    desk.request(asset_query="slf-1")

    assert denial(desk) == "not_entitled"
    assert "slf-1" in desk.comments_sent[-1]
    assert "Secret" not in desk.comments_sent[-1]


def test_an_asset_that_nobody_knows_is_denied(desk: Desk) -> None:
    desk.request(asset_id="A77", source_asset_id="A77")

    assert denial(desk) == "unknown_asset"


def test_a_partner_whose_id_in_vip_nobody_knows_is_sent_nothing(desk: Desk) -> None:
    desk.rows["core.identities"][0] |= {"source_id": P1, "target_id": None}
    desk.request()

    assert desk.go_on(4) == ["accepted", "in_progress"]


def test_without_a_live_version_the_request_is_denied_even_when_it_is_under_way(desk: Desk) -> None:
    on_its_way(desk)
    desk.withdraw()

    assert denial(desk) == "no_approved_version"


def test_a_version_that_takes_effect_later_is_not_delivered_before(desk: Desk) -> None:
    desk.rows["freshness.version_lives"][0]["effective_at"] = START + timedelta(days=1)
    desk.request()

    assert denial(desk) == "no_approved_version"


def test_what_is_barred_in_the_partners_region_is_denied(desk: Desk) -> None:
    desk.rows["freshness.version_lives"] = []
    desk.rows["freshness.version_terms"][0]["is_barred"] = True
    desk.request()

    assert denial(desk) == "barred_region"
    assert "DE-BY" in desk.comments_sent[-1]


def test_a_territory_has_to_be_the_partners_own(desk: Desk) -> None:
    for territory in ("DE", "DE-BY", "DE-BY-M", "FR", "DE-B"):
        desk.request(territory, territory=territory)
    desk.compute()

    assert dict(desk.ask("select request_id, rule from sync.request_fulfilments")) == {
        "DE": "matched",
        "DE-BY": "matched",
        "DE-BY-M": "matched",
        "FR": "outside_territory",
        "DE-B": "outside_territory",
    }


def test_a_version_that_is_barred_in_the_territory_asked_for_is_denied(desk: Desk) -> None:
    desk.rows["core.asset_versions"][0]["restricted_regions"] = ["DE-BY-M"]
    desk.request(territory="DE-BY-M")

    assert denial(desk) == "barred_region"


def test_a_partner_without_rights_any_more_is_denied_though_its_delivery_is_on_its_way(desk: Desk) -> None:
    on_its_way(desk)
    desk.rows["freshness.entitlements"][0]["entitled"] = False

    assert denial(desk) == "not_entitled"


def test_a_newer_version_under_way_is_delivered_and_only_its_arrival_counts(desk: Desk) -> None:
    on_its_way(desk)
    desk.version(A1, 2, desk.turn.now)
    assert desk.go_on() == ["delivery A1 v2 portal"]

    older = desk.rows["core.deliveries"][0]
    desk.add("freshness.delivered", delivery_id=older["delivery_id"], delivered_at=desk.turn.now)
    assert desk.go_on() == []

    desk.delivery("delivered")
    assert desk.go_on() == ["delivered"]
    assert "Version 2" in desk.comments_sent[-1]


def test_a_failed_delivery_is_tried_over_the_next_channel_and_given_up_in_the_end(desk: Desk) -> None:
    on_its_way(desk)
    sent = []
    for _ in range(2):
        desk.delivery("failed")
        sent += desk.go_on()
    assert sent == ["delivery A1 v1 email_link", "delivery A1 v1 portal"]

    desk.delivery("failed")
    assert denial(desk) == "delivery_failed"
    assert "3 deliveries" in desk.comments_sent[-1]
    assert "(email link, portal)" in desk.comments_sent[-1]


def test_a_delivery_whose_link_ran_out_unused_counts_as_failed_and_one_that_arrived_does_not(desk: Desk) -> None:
    on_its_way(desk)
    desk.delivery("expired")
    assert desk.go_on() == ["delivery A1 v1 email_link"]

    desk.delivery("delivered")
    desk.delivery("expired")
    assert desk.go_on() == ["delivered"]


def test_a_delivery_that_a_person_cancelled_is_not_sent_again(desk: Desk) -> None:
    on_its_way(desk)
    desk.delivery("cancelled")

    assert desk.go_on(3) == []


def test_a_delivery_that_a_person_made_for_the_request_is_as_good_as_ours(desk: Desk) -> None:
    desk.request()
    desk.go_on(2)
    row = {"delivery_id": "D-HAND", "partner_id": P1, "asset_id": A1, "version_no": 1, "request_id": "RQ-1"}
    desk.add(
        "core.deliveries", **row, channel="sftp", status="queued", created_at=desk.turn.now, known_at=desk.turn.now
    )
    assert desk.go_on(2) == []

    desk.delivery("delivered")
    assert desk.go_on() == ["delivered"]


def test_a_reopened_request_starts_a_new_round(desk: Desk) -> None:
    on_its_way(desk)
    desk.delivery("delivered")
    desk.go_on()
    desk.move("reopened")

    assert desk.go_on(3) == ["accepted", "in_progress", "delivery A1 v1 portal"]
    texts = [entry.data["action_text"] for entry in desk.entries("action_decided")]
    assert texts == [
        "P1|RQ-1|accepted|1",
        "P1|RQ-1|in_progress|1",
        "P1|RQ-1|delivery|A1|1|1",
        "P1|RQ-1|delivered|1",
        "P1|RQ-1|accepted|2",
        "P1|RQ-1|in_progress|2",
        "P1|RQ-1|delivery|A1|1|2",
    ]


def test_what_a_person_ended_stays_ended(desk: Desk) -> None:
    ends = ("denied", "cancelled", "closed", "delivered")
    for status in ends:
        desk.request(status)
    desk.go_on()
    for status in ends:
        desk.move(status, status, actor="desk:olga")

    assert desk.go_on(2) == []
    assert [desk.status(status) for status in ends] == list(ends)


def test_what_a_person_moved_on_is_gone_on_with_from_there(desk: Desk) -> None:
    desk.request()
    desk.move("accepted", actor="desk:olga")
    desk.move("in_progress", actor="desk:olga")

    assert desk.go_on(2) == ["delivery A1 v1 portal"]


def test_a_partner_that_left_is_done_nothing_for(desk: Desk) -> None:
    desk.request()
    desk.rows["core.partners"][0]["gone_from"] = START

    assert desk.go_on(2) == []


def test_a_move_of_unknown_fate_that_happened_is_found_at_the_next_turn(desk: Desk) -> None:
    desk.request()
    desk.plan = [Result.CONTESTED]
    desk.decide()
    desk.carry_out()
    assert desk.entries("action_sent") == []

    desk.pass_time()
    desk.decide()
    desk.carry_out()
    assert [entry.data["how"] for entry in desk.entries("action_sent")] == ["found", "posted"]
    assert desk.status() == "in_progress"


def test_a_move_of_unknown_fate_that_did_not_happen_is_made_again_under_the_same_key(desk: Desk) -> None:
    desk.request()
    desk.plan = [Result.UNKNOWN]
    assert desk.go_on() == []

    assert desk.go_on() == ["accepted"]
    assert len({entry.source_id for entry in desk.entries("action_decided")}) == 1


def test_a_move_of_unknown_fate_that_a_person_made_pointless_is_given_up(desk: Desk) -> None:
    desk.request()
    desk.plan = [Result.UNKNOWN]
    desk.go_on()
    desk.move("cancelled")

    assert desk.go_on() == []
    assert [entry.data["reason"] for entry in desk.entries("action_suppressed")] == ["no_longer_desired"]


def test_a_notice_says_what_came_of_the_request_until_it_moves_on(desk: Desk) -> None:
    desk.request(asset_query="the Alpenglow allergen sheet")
    desk.go_on(3)
    desk.compute()
    ((kind, step, subject, said),) = desk.ask("select kind, step, subject_id, said from sync.request_notices")
    assert (kind, step, subject) == ("request_update", "waiting_partner:RQ-1:1", "RQ-1")
    assert '"candidates":"Alpenglow Dry Tonic (A1)\\nAlpenglow Pink Tonic (A2)"' in said

    desk.comment("1")
    desk.go_on(2)
    desk.compute()
    assert desk.ask("select step from sync.request_notices") == []

    desk.delivery("delivered")
    desk.go_on()
    desk.compute()
    ((step, asset_id, version_no, said),) = desk.ask(
        "select step, asset_id, version_no, said from sync.request_notices"
    )
    assert (step, asset_id, version_no) == ("delivered:RQ-1:1", A1, 1)
    assert '"channel":"portal"' in said
    assert '"link_expires_at":"2026-04-09T' in said


def test_no_notice_tells_of_what_a_person_did(desk: Desk) -> None:
    desk.request()
    desk.go_on()
    desk.move("denied", actor="desk:olga")
    desk.compute()

    assert desk.ask("select step from sync.request_notices") == []
