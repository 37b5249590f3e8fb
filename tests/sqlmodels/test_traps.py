"""The traps, one by one, through the SQL, with expectations made by hand (docs/domain.md 3 to 9).

Belongs here: a story and what must come out of it. Does not belong here: how stories become tables (``traps.py``).
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.reference.given import Story, day, stamp
from tests.sqlmodels.traps import Answers, answers, told

LONG_AGO = datetime(2018, 1, 1, tzinfo=UTC)
ZONES = {
    # Zone: a skipped local time and what it is in UTC, a repeated one and what it is.
    "Europe/Berlin": ("2025-03-30T02:30", "2025-03-30T01:30", "2025-10-26T02:30", "2025-10-26T00:30"),
    "America/New_York": ("2025-03-09T02:30", "2025-03-09T07:30", "2025-11-02T01:30", "2025-11-02T05:30"),
    "Australia/Lord_Howe": ("2025-10-05T02:15", "2025-10-04T15:45", "2025-04-06T01:45", "2025-04-05T14:45"),
    "America/Sao_Paulo": ("2018-11-04T00:30", "2018-11-04T03:30", "2019-02-16T23:30", "2019-02-17T01:30"),
    "Africa/Cairo": ("2025-04-25T00:30", "2025-04-24T22:30", "2025-10-30T23:30", "2025-10-30T20:30"),
    "America/Santiago": ("2025-09-07T00:30", "2025-09-07T04:30", "2025-04-05T23:30", "2025-04-06T02:30"),
    "Pacific/Auckland": ("2025-09-28T02:30", "2025-09-27T14:30", "2025-04-06T02:30", "2025-04-05T13:30"),
}
MIDNIGHTS = {
    # Zone: the first instant of its 10 June 2025, in UTC; from east to west.
    "Pacific/Kiritimati": "2025-06-09T10:00",
    "Asia/Kathmandu": "2025-06-09T18:15",
    "Asia/Kolkata": "2025-06-09T18:30",
    "Europe/Berlin": "2025-06-09T22:00",
    "Atlantic/Reykjavik": "2025-06-10T00:00",
    "America/New_York": "2025-06-10T04:00",
    "Pacific/Pago_Pago": "2025-06-10T11:00",
}


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return answers(tmp_path_factory.mktemp("traps"))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@told
def barred() -> Story:
    story = Story()
    story.partner("german", region="DE")
    story.partner("smuggler", region="US")
    story.version(1, 1)
    story.version(2, 5, restricted_regions=["US"])
    story.download(1, 2)
    story.download(1, 2, partner_id="german")
    story.download(2, 6, partner_id="smuggler")
    story.notice(6, 2)
    return story


def test_a_barred_partner_is_never_called_stale(sql: Answers) -> None:
    row = sql.position(barred, 20)
    assert (row["position"], row["target_version_no"], row["is_outdated"]) == ("current", 1, False)
    assert sql.position(barred, 20, "german")["position"] == "stale_overdue"
    row = sql.position(barred, 20, "smuggler")
    assert (row["position"], row["is_outdated"], row["is_exposed"]) == ("barred_held", False, True)
    assert sql.verdicts(barred)[-1] == ("barred", "live")
    assert sql.states(barred, 20) == {("p1", 2, "version_change"): "void"}
    assert sql.unsent(barred, 20) == {("p1", 1, "publish"), ("german", 2, "version_change")}


@told
def withdrawn_before_effect() -> Story:
    story = Story()
    story.version(1, 1)
    story.version(2, 3, effective_local="2025-06-08T00:00:00", withdrawn_at=stamp(6))
    story.download(1, 2)
    story.download(2, 4)
    return story


def test_what_was_withdrawn_before_its_effect_never_lived(sql: Answers) -> None:
    assert [(row["version_no"], row["ended_at"]) for row in sql.lives(withdrawn_before_effect)] == [(1, None)]
    assert sql.position(withdrawn_before_effect, 5)["position"] == "current"
    row = sql.position(withdrawn_before_effect, 10)
    assert (row["position"], row["target_version_no"], row["is_exposed"]) == ("withdrawn_held", 1, True)
    assert sql.verdicts(withdrawn_before_effect) == [("ok", "live"), ("ok", "never_effective")]
    assert sql.unsent(withdrawn_before_effect, 20) == {("p1", 1, "publish"), ("p1", 2, "withdrawal")}


@told
def pre_positioned() -> Story:
    story = Story()
    story.version(1, 1)
    story.version(2, 3, effective_local="2025-06-10T00:00:00")
    story.download(2, 4)
    story.answer(5, 2)
    story.notice(10, 2)
    return story


def test_a_pre_positioned_partner_is_ahead_and_then_current(sql: Answers) -> None:
    assert [sql.position(pre_positioned, on)["position_rule"] for on in (8, 10)] == [15, 14]
    assert sql.verdicts(pre_positioned) == [("ok", "embargo")]
    assert sql.unsolicited(pre_positioned, 8) == 1
    assert sql.classes(pre_positioned, 10) == [("p1", "early_valid")]
    row = sql.obligations(pre_positioned, 10)["p1", 2, "version_change"]
    assert (row["state"], row["acked_without_bytes"], row["responded_at"]) == ("acknowledged", False, day(5))


@told
def several_groups() -> Story:
    story = Story()
    story.version(1, 1)
    story.notice(3, 1, due_at=stamp(9))
    story.notice(4, 1, due_at=stamp(6))
    story.notice(5, 1, due_at=stamp(4.5))
    story.answer(7, 1)
    return story


def test_a_partner_in_several_groups_owes_one_answer_by_the_earliest_due(sql: Answers) -> None:
    key = ("p1", 1, "version_change")
    assert sql.states(several_groups, 6) == {key: "pending"}
    row = sql.obligations(several_groups, 8)[key]
    assert (row["sent_at"], row["due_at"], row["state"]) == (day(3), day(6), "acknowledged_late")
    assert sql.classes(several_groups, 8) == [("p1", "late")]


@told
def clock_changes() -> Story:
    story = Story()
    for number, (zone, (skipped, _, repeated, _)) in enumerate(ZONES.items()):
        story.partner(f"in{number}", timezone=zone)
        for version_no, local in ((2 * number + 1, skipped), (2 * number + 2, repeated)):
            story.version(version_no, LONG_AGO, effective_local=f"{local}:00", effective_policy="partner_local")
    return story


@pytest.mark.parametrize("zone", ZONES)
def test_a_gap_takes_the_offset_before_it_and_an_overlap_its_first_time(sql: Answers, zone: str) -> None:
    _, skipped_at, _, repeated_at = ZONES[zone]
    number = list(ZONES).index(zone)
    found = {row["version_no"]: row for row in sql.lives(clock_changes, zone)}
    skipped, repeated = found[2 * number + 1], found[2 * number + 2]
    assert (skipped["effective_at"], skipped["resolution_flag"]) == (utc(skipped_at), "skipped")
    assert (repeated["effective_at"], repeated["resolution_flag"]) == (utc(repeated_at), "repeated")


@told
def midnights() -> Story:
    story = Story()
    for number, zone in enumerate(MIDNIGHTS):
        story.partner(f"in{number}", timezone=zone)
        story.grant(grantee_id=f"in{number}")
        story.download(1, 2, partner_id=f"in{number}")
    story.version(1, 1)
    story.version(2, 3, effective_local="2025-06-10T00:00:00", effective_policy="partner_local")
    return story


def test_each_partner_changes_over_at_its_own_midnight_around_the_globe(sql: Answers) -> None:
    begun = {zone: sql.lives(midnights, zone)[-1]["effective_at"] for zone in MIDNIGHTS}
    assert begun == {zone: utc(at) for zone, at in MIDNIGHTS.items()}
    targets = [sql.position(midnights, 10, f"in{number}")["target_version_no"] for number in range(len(MIDNIGHTS))]
    assert targets == [2, 2, 2, 2, 2, 1, 1]
    changed = {partner for partner, version_no, _ in sql.unsent(midnights, 10) if version_no == 2}
    assert changed == {"in0", "in1", "in2", "in3", "in4"}


@told
def acknowledged_first() -> Story:
    story = Story()
    story.version(1, 1)
    story.notice(3, 1)
    story.answer(4, 1)
    story.download(1, 5)
    story.answer(7, 1, "read")
    return story


def test_an_acknowledgment_before_the_download_answers_without_bytes_until_a_later_one(sql: Answers) -> None:
    rows = [sql.obligations(acknowledged_first, on)["p1", 1, "version_change"] for on in (6, 8)]
    assert [(row["state"], row["responded_at"]) for row in rows] == [("acknowledged", day(4))] * 2
    assert [row["acked_without_bytes"] for row in rows] == [True, False]
    assert sql.classes(acknowledged_first, 8) == [("p1", "on_time"), ("p1", "repeated")]


@told
def older_version() -> Story:
    story = Story()
    story.version(1, 1)
    story.version(2, 3)
    story.download(1, 2)
    story.notice(3, 2)
    story.answer(4, 1)
    return story


def test_an_acknowledgment_of_an_older_version_answers_nothing(sql: Answers) -> None:
    assert sql.classes(older_version, 8) == [("p1", "wrong_version_older")]
    states = [sql.states(older_version, on)["p1", 2, "version_change"] for on in (10, 12)]
    assert states == ["pending", "overdue"]
    assert sql.position(older_version, 12)["position"] == "stale_overdue"


@told
def proxy() -> Story:
    story = Story()
    story.version(1, 1)
    story.notice(3, 1)
    story.answer(4, 1, "proxy", rationale="called them")
    return story


def test_an_acknowledgment_by_proxy_is_counted_apart_and_does_not_answer(sql: Answers) -> None:
    assert sql.classes(proxy, 8) == [("p1", "proxy")]
    assert [sql.states(proxy, on)["p1", 1, "version_change"] for on in (8, 12)] == ["pending", "overdue"]
    assert sql.position(proxy, 8)["evidence_rung"] == 1


@told
def parent() -> Story:
    story = Story()
    story.partner("child", parent_partner_id="p1")
    story.partner("grandchild", parent_partner_id="child")
    story.version(1, 1)
    for partner in ("p1", "child", "grandchild"):
        story.notice(3, 1, partner_id=partner)
    story.answer(4, 1, covers_children=True)
    story.answer(5, 1, partner_id="child", covers_children=False)
    return story


def test_an_acknowledgment_by_a_parent_covers_direct_children_if_it_says_so(sql: Answers) -> None:
    assert sql.classes(parent, 8) == [("child", "on_time"), ("p1", "on_time"), ("child", "repeated")]
    rows = sql.obligations(parent, 8)
    answered = {key[0]: (row["state"], row["responded_at"]) for key, row in rows.items() if row["state"] != "unsent"}
    assert answered == {
        "p1": ("acknowledged", day(4)),
        "child": ("acknowledged", day(4)),
        "grandchild": ("pending", None),
    }


@told
def metadata_only() -> Story:
    story = Story()
    story.version(1, 1, checksum_sha256="same")
    story.version(2, 3, checksum_sha256="same", change_class="content")
    story.download(1, 2)
    story.answer(2, 1)
    story.notice(3, 2)
    story.answer(4, 1, "read")
    return story


def test_an_acknowledgment_carries_over_where_the_bytes_are_the_same(sql: Answers) -> None:
    assert sql.classes(metadata_only, 8) == [("p1", "early_valid"), ("p1", "repeated")]
    row = sql.obligations(metadata_only, 8)["p1", 2, "version_change"]
    assert (row["state"], row["responded_at"], row["acked_without_bytes"]) == ("acknowledged", day(2), True)


@told
def reinstated() -> Story:
    story = Story(on_withdraw="reinstate_previous")
    story.version(1, 1)
    story.version(2, 3, withdrawn_at=stamp(12))
    story.version(3, 6, withdrawn_at=stamp(9))
    story.download(2, 4)
    story.download(2, 10)
    story.download(1, 12)
    story.download(2, 12.5)
    return story


def test_a_reinstated_predecessor_is_the_target_until_it_is_withdrawn_too(sql: Answers) -> None:
    lives = [
        (row["version_no"], row["effective_at"], row["end_reason"], row["is_reinstated"])
        for row in sql.lives(reinstated)
    ]
    assert lives == [
        (1, day(1), "superseded", False),
        (2, day(3), "superseded", False),
        (3, day(6), "withdrawn", False),
        (2, day(9), "withdrawn", True),
        (1, day(12), None, True),
    ]
    assert [sql.position(reinstated, on)["target_version_no"] for on in (8, 10, 12)] == [3, 2, 1]
    assert [sql.position(reinstated, on)["position"] for on in (8, 10, 12, 20)] == [
        "stale_in_grace",
        "current",
        "withdrawn_held",
        "withdrawn_held",
    ]
    timings = [timing for _, timing in sql.verdicts(reinstated)]
    assert timings == ["live", "live", "live", "obsolete_withdrawn"]


@told
def fetched_again() -> Story:
    story = Story()
    story.version(1, 1, withdrawn_at=stamp(4))
    story.download(1, 2)
    story.notice(4, 1, "withdrawal")
    story.acknowledge(5)
    story.download(1, 5.5)
    story.acknowledge(7)
    return story


def test_an_answered_removal_is_open_again_once_the_file_is_fetched_again(sql: Answers) -> None:
    key = ("p1", 1, "withdrawal")
    rows = [sql.obligations(fetched_again, on)[key] for on in (5, 6, 8)]
    assert [row["state"] for row in rows] == ["acknowledged", "pending", "acknowledged_late"]
    assert [row["responded_at"] for row in rows] == [day(5), None, day(7)]
    assert [sql.position(fetched_again, on)["position"] for on in (5, 6, 8)] == ["cleared", "withdrawn_held", "cleared"]
    assert sql.classes(fetched_again, 8) == [("p1", "on_time"), ("p1", "repeated")]


@told
def corrected() -> Story:
    story = Story()
    story.version(1, 1)
    story.version(2, 3)
    wrong = story.download(1, 4)
    story.known_at = day(15)
    story.download(2, 4, supersedes_event_id=wrong, correction_reason="wrong version")
    return story


def test_a_corrected_event_counts_until_its_correction_is_known(sql: Answers) -> None:
    assert sql.position(corrected, 9, turn=1)["held_versions"] == [1]
    assert sql.position(corrected, 9)["held_versions"] == [2]
    assert sql.verdicts(corrected, turn=1) == [("ok", "obsolete_superseded")]
    assert sql.verdicts(corrected) == [("ok", "live")]


@told
def renamed_login() -> Story:
    story = Story()
    story.partner("other")
    story.version(1, 1)
    user = {"user_id": "u1", "partner_id": "p1", "login_id": "anna", "roles": ["buyer"], "status": "active"}
    story.add("partner_users", {**user, "updated_at": stamp(1)})
    story.add("partner_users", {**user, "login_id": "anna.berg", "updated_at": stamp(3)})
    story.add("partner_users", {**user, "user_id": "u2", "partner_id": "other", "updated_at": stamp(3)})
    for user_id, at in (("u1", 2), ("u1", 4), ("u2", 4)):
        story.download(1, at, partner_id=None, user_id=user_id)
    return story


def test_a_renamed_login_stays_the_same_person_and_its_old_name_may_be_anothers(sql: Answers) -> None:
    assert sql.position(renamed_login, 8)["last_obtained_at"] == day(4)
    assert sql.position(renamed_login, 8, "other")["position"] == "current"
    assert [entitlement for entitlement, _ in sql.verdicts(renamed_login)] == ["ok", "ok", "no_grant"]


@told
def merged_partners() -> Story:
    story = Story()
    story.version(1, 1)
    story.version(2, 3)
    for vip_id in ("west", "east"):
        link = {"entity": "partner", "vip_id": vip_id, "trading_grid_id": "p1", "match_rule": "merger"}
        story.add("xref", {**link, "asserted_by": "steward"})
    story.download(1, 2, partner_id="west")
    story.download(2, 4, partner_id="east")
    return story


def test_merged_partners_hold_together_under_one_id(sql: Answers) -> None:
    row = sql.position(merged_partners, 8)
    assert (row["position"], row["held_versions"], row["residual_old_copy"]) == ("current", [1, 2], True)
    assert {row["partner_id"] for row in sql.rows("freshness.positions", merged_partners, 8)} == {"merged_partners.p1"}
    assert sql.verdicts(merged_partners) == [("ok", "live"), ("ok", "live")]


@told
def deleted_asset() -> Story:
    story = Story()
    story.version(1, 1)
    story.version(2, 3)
    for number in (1, 2):
        story.notice(3, number)
    story.download(2, 4)
    story.answer(5, 2)
    story.download(2, 7)
    story.asset(deleted_at=stamp(6), updated_at=stamp(2))
    return story


def test_a_deleted_asset_leaves_its_holders_on_record_and_voids_what_was_open(sql: Answers) -> None:
    assert [sql.position(deleted_asset, on)["position"] for on in (5, 6)] == ["current", "orphaned"]
    asked = [("p1", 1, "version_change"), ("p1", 2, "version_change")]
    assert [sql.states(deleted_asset, 5)[key] for key in asked] == ["closed_by_later", "acknowledged"]
    assert [sql.states(deleted_asset, 6)[key] for key in asked] == ["void", "acknowledged"]
    assert sql.verdicts(deleted_asset) == [("ok", "live"), ("no_grant", "live")]
