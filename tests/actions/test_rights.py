"""P5: what a group may do is published when it changes, and each partner is told of what applies to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pipeline.actions.outbox import ACTION_FAILED, ACTION_LEASED, ACTION_SENT, ACTION_SUPPRESSED, ACTION_UNKNOWN
from tests.actions.records_world import BEFORE, DAY, GO_LIVE, START, Records, Wanted, open_records, stamp

TARGETS: Final = ("sync.rights_actions", "sync.rights_notices")
GROUP: Final = ("partner_group", "G1")
SEGMENT: Final = ("segment", "S1")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Records]:
    """Group G1 (DACH) with partner P1 may view and download segment S1 with asset A1."""
    with open_records(tmp_path, "rights", TARGETS) as records:
        records.partner("P1")
        records.put("partner_groups", "G1", group_id="G1", name="Trade DACH", dimension="region", value="DACH")
        member(records, "P1", "G1")
        records.put("segments", "S1", segment_id="S1", name="DACH library", dimension="region", value="DACH")
        records.asset("A1")
        records.version("A1")
        records.put("segment_assets", "S1", "A1", segment_id="S1", asset_id="A1", added_at=stamp(BEFORE))
        records.grant("R1", GROUP, SEGMENT)
        yield records


def member(world: Records, partner_id: str, group_id: str, at: object = BEFORE, **fields: object) -> None:
    world.put(
        "group_members", group_id, partner_id, group_id=group_id, partner_id=partner_id, joined_at=str(at), **fields
    )


def only(wanted: list[Wanted]) -> Wanted:
    (one,) = wanted
    return one


def publish(world: Records) -> Wanted:
    """Publish what is wanted, and return it."""
    wanted = only(world.look())
    world.send(wanted)
    return wanted


def test_the_rules_of_a_group_are_published_in_trading_grids_words(world: Records) -> None:
    world.put("grants", "R1", usage_guidance="Print only.", valid_to="2027-01-01T00:00:00Z")
    wanted = only(world.look())
    assert (wanted.target_system, wanted.operation, wanted.subject_id) == ("trading_grid", "publish_access_rules", "G1")
    assert wanted.rule == "rules_not_published"
    assert wanted.payload == {
        "group_id": "G1",
        "rules": [
            {
                "object_type": "segment",
                "object_id": "S1",
                "effect": "allow",
                "rights": ["download", "view"],
                "usage_guidance": "Print only.",
                "valid_from": "2026-01-05T00:00:00.000000Z",
                "valid_to": "2027-01-01T00:00:00.000000Z",
                "restricted_regions": None,
            }
        ],
        "summary": "Trade DACH: 1 rule",
    }


def test_what_was_published_is_not_published_again(world: Records) -> None:
    publish(world)
    assert world.look() == []
    assert world.look(DAY) == []


def test_asking_twice_about_one_instant_wants_the_same(world: Records) -> None:
    assert world.look() == world.look()


def test_two_grants_that_say_the_same_are_one_rule(world: Records) -> None:
    publish(world)
    world.grant("R2", GROUP, SEGMENT)
    assert world.look() == []


def test_a_change_is_published_and_a_return_to_the_old_rules_too(world: Records) -> None:
    first = publish(world)
    world.put("grants", "R1", rights=["view"], updated_at=stamp(world.now))
    second = publish(world)
    assert second.rule == "rules_changed"
    world.put("grants", "R1", rights=["view", "download"], updated_at=stamp(world.now))
    third = publish(world)
    assert third.payload["rules"] == first.payload["rules"]
    assert len({first.key, second.key, third.key}) == 3
    assert world.look() == []


def test_a_change_that_was_taken_back_before_it_was_sent_is_not_published(world: Records) -> None:
    publish(world)
    world.put("grants", "R1", rights=["view"], updated_at=stamp(world.now))
    world.journal(only(world.look()))
    world.put("grants", "R1", rights=["view", "download"], updated_at=stamp(world.now))
    assert world.look() == []


@pytest.mark.parametrize("fate", [ACTION_UNKNOWN, ACTION_FAILED])
def test_a_publication_of_unknown_fate_is_wanted_under_its_own_key(world: Records, fate: str) -> None:
    wanted = only(world.look())
    world.journal(wanted, ACTION_LEASED, fate)
    assert only(world.look()).action_text == wanted.action_text


def test_rules_that_may_have_arrived_are_overwritten_under_a_new_key(world: Records) -> None:
    first = only(world.look())
    world.journal(first, ACTION_LEASED, ACTION_UNKNOWN)
    world.put("grants", "R1", rights=["view"], updated_at=stamp(world.now))
    second = only(world.look())
    world.journal(first, ACTION_SUPPRESSED)
    world.journal(second, ACTION_LEASED, ACTION_UNKNOWN)
    world.put("grants", "R1", rights=["view", "download"], updated_at=stamp(world.now))
    third = only(world.look())
    assert third.payload["rules"] == first.payload["rules"]
    assert third.key not in {first.key, second.key}


def test_a_group_that_lost_its_last_grant_is_published_as_empty(world: Records) -> None:
    publish(world)
    world.put("grants", "R1", valid_to=stamp(world.now), updated_at=stamp(world.now))
    assert publish(world).payload["rules"] == []
    assert world.look() == []


def test_a_group_that_never_had_a_grant_is_not_published(world: Records) -> None:
    world.put("grants", "R1", grantee_id="elsewhere")
    assert world.look() == []


def test_a_grant_counts_from_its_beginning_to_its_end(world: Records) -> None:
    world.put("grants", "R1", valid_from=stamp(START + DAY), valid_to=stamp(START + 3 * DAY))
    assert world.look() == []
    publish_at_two_days = only(world.look(2 * DAY))
    world.send(publish_at_two_days)
    assert only(world.look(2 * DAY)).payload["rules"] == []


def test_an_embargoed_package_is_a_rule_from_the_end_of_its_embargo(world: Records) -> None:
    world.put("packages", "K1", package_id="K1", name="Kit", embargo_until=stamp(START + DAY), updated_at=stamp(BEFORE))
    world.grant("R1", GROUP, ("package", "K1"))
    assert world.look() == []
    assert only(world.look(2 * DAY)).payload["rules"][0]["object_id"] == "K1"


def test_a_grant_on_a_deleted_segment_is_no_rule(world: Records) -> None:
    world.put("segments", "S1", deleted_at=stamp(BEFORE))
    assert world.look() == []


def test_where_an_asset_must_not_go_is_a_distribution_rule(world: Records) -> None:
    world.version("A1", restricted_regions=["CN", "US-CA"])
    rules = only(world.look()).payload["rules"]
    assert [(rule["object_id"], rule["effect"], rule["rights"], rule["restricted_regions"]) for rule in rules] == [
        ("A1", "deny", ["redistribute"], ["CN", "US-CA"]),
        ("S1", "allow", ["download", "view"], None),
    ]


def test_the_distribution_rule_is_that_of_the_live_version(world: Records) -> None:
    world.version("A1", restricted_regions=["CN"])
    publish(world)
    world.version("A1", 2, approved_at=world.now)
    assert [rule["object_type"] for rule in only(world.look()).payload["rules"]] == ["segment"]


def test_an_asset_bears_trading_grids_name(world: Records) -> None:
    world.put("xref", "A1", entity="asset", vip_id="A1", trading_grid_id="TG-7")
    world.grant("R1", GROUP, ("asset", "A1"))
    assert only(world.look()).payload["rules"][0]["object_id"] == "TG-7"


def test_a_rule_about_an_asset_without_a_name_is_left_out(world: Records) -> None:
    world.asset("A2")
    world.put("xref", "A2", entity="asset", vip_id="A9", trading_grid_id="A2")
    world.grant("R2", GROUP, ("asset", "A2"))
    assert [rule["object_id"] for rule in only(world.look()).payload["rules"]] == ["S1"]


def test_a_group_with_too_many_rules_is_not_published(world: Records) -> None:
    for number in range(1001):
        world.asset(f"B{number}")
        world.grant(f"RB{number}", GROUP, ("asset", f"B{number}"))
    assert world.look() == []


def test_the_first_publication_of_old_rules_is_told_to_nobody(world: Records) -> None:
    publish(world)
    world.look()
    assert world.told() == []


def test_members_are_told_once_the_change_is_published_and_what_is_new_and_gone(world: Records) -> None:
    publish(world)
    world.grant("R1", GROUP, SEGMENT, rights=["view"], updated_at=stamp(world.now))
    wanted = only(world.look())
    assert world.told() == []
    world.send(wanted)
    world.look()
    (told,) = world.told()
    assert told.partner_id == "P1"
    assert told.step == "rules:G1:2"
    assert told.said["change"] == "changed"
    assert told.said["group_name"] == "Trade DACH"
    assert told.said["new_rules"] == "- DACH library: {view}"
    assert told.said["gone_rules"] == "- DACH library: {download}, {view}"
    assert told.said["rules"] == "- DACH library: {view}"


def test_a_new_groups_first_rules_are_told_when_they_began_after_the_go_live(world: Records) -> None:
    world.grant("R1", GROUP, SEGMENT, valid_from=stamp(GO_LIVE + DAY), updated_at=stamp(GO_LIVE + DAY))
    publish(world)
    world.look()
    (told,) = world.told()
    assert (told.said["change"], told.said["new_rules"]) == ("granted", "- DACH library: {download}, {view}")
    assert told.said["from_at"] == "2026-03-02T00:00:00.000000Z"


def test_a_group_left_without_rules_hears_what_is_gone(world: Records) -> None:
    publish(world)
    world.put("grants", "R1", valid_to=stamp(world.now), updated_at=stamp(world.now))
    publish(world)
    world.look()
    (told,) = world.told()
    assert (told.said["change"], told.said["rules"]) == ("ended", "")
    assert told.said["gone_rules"].startswith("- DACH library: {download}, {view}")


def test_who_left_the_group_is_not_told_of_its_later_rules(world: Records) -> None:
    world.partner("P2")
    member(world, "P2", "G1", left_at=stamp(BEFORE + DAY))
    publish(world)
    world.put("grants", "R1", rights=["view"], updated_at=stamp(world.now))
    publish(world)
    world.look()
    assert [told.partner_id for told in world.told()] == ["P1"]


def test_news_that_is_older_than_thirty_days_is_none(world: Records) -> None:
    publish(world)
    world.put("grants", "R1", rights=["view"], updated_at=stamp(world.now))
    publish(world)
    world.look(29 * DAY)
    assert len(world.told()) == 1
    world.look(2 * DAY)
    assert world.told() == []


def test_who_joins_a_group_is_told_what_it_may_do_and_who_leaves_what_is_gone(world: Records) -> None:
    world.partner("P2")
    member(world, "P2", "G1", START)
    world.look()
    (joined,) = world.told()
    assert (joined.partner_id, joined.rule) == ("P2", "joined_a_group_with_rules")
    assert joined.said["new_rules"] == "- DACH library: {download}, {view}"
    world.put("group_members", "G1", "P2", left_at=stamp(world.now))
    world.look()
    (left,) = world.told()
    assert (left.rule, left.said["change"]) == ("left_a_group_with_rules", "ended")


def test_who_joins_late_is_told_in_one_what_it_should_have_and_does_not(world: Records) -> None:
    for asset_id in ("A2", "A3"):
        world.asset(asset_id)
        world.version(asset_id)
        world.put("segment_assets", "S1", asset_id, segment_id="S1", asset_id=asset_id, added_at=stamp(BEFORE))
    world.partner("P2")
    world.obtain("P2", "A2")
    member(world, "P2", "G1", START)
    world.look()
    (joined,) = world.told()
    assert [line.rpartition(" (")[2] for line in joined.said["missing"].splitlines()] == [
        "A1): {version} 1",
        "A3): {version} 1",
    ]


def test_who_left_the_network_is_not_told_that_it_left_its_group(world: Records) -> None:
    world.partner("P2", status="left", left_at=stamp(START))
    member(world, "P2", "G1", left_at=stamp(START))
    world.look()
    assert world.told() == []


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({"valid_from": stamp(START)}, "granted"),
        ({"valid_from": stamp(START), "effect": "deny"}, "denied"),
        ({"valid_to": stamp(START)}, "ended"),
    ],
)
def test_a_partner_is_told_of_a_grant_of_its_own(world: Records, fields: dict[str, str], change: str) -> None:
    world.grant("R9", ("partner", "P1"), ("asset", "A1"), **fields)
    world.look()
    (told,) = world.told()
    assert (told.partner_id, told.said["change"], told.said["rules"]) == ("P1", change, "- Title of A1")
    assert told.said["rights"] == "download, view"


def test_a_grant_of_its_own_that_changes_is_told_once_per_change(world: Records) -> None:
    world.grant("R9", ("partner", "V-1"), ("asset", "A1"))
    world.put("xref", "P1", entity="partner", vip_id="V-1", trading_grid_id="P1")
    world.look()
    assert world.told() == []
    world.put("grants", "R9", rights=["view"], updated_at=stamp(world.now))
    world.look()
    (told,) = world.told()
    assert (told.partner_id, told.said["change"], told.said["rights"]) == ("P1", "changed", "view")
    world.put("grants", "R9", updated_at=stamp(world.now))
    world.look()
    assert world.told() == [told]


def test_a_campaigns_package_is_not_told_of_as_a_right(world: Records) -> None:
    world.put("packages", "K1", package_id="K1", name="Kit", campaign_id="C1", updated_at=stamp(BEFORE))
    world.grant("R9", ("partner", "P1"), ("package", "K1"), valid_from=stamp(START))
    world.look()
    assert world.told() == []


def test_a_grant_that_begins_later_is_told_of_then(world: Records) -> None:
    world.grant("R9", ("partner", "P1"), ("asset", "A1"), valid_from=stamp(START + DAY))
    world.look()
    assert world.told() == []
    world.look(2 * DAY)
    assert [told.due_at for told in world.told()] == [START + DAY]


def test_no_partners_words_name_another_partner(world: Records) -> None:
    world.partner("P2")
    member(world, "P2", "G1")
    first = publish(world)
    world.put("grants", "R1", rights=["view"], updated_at=stamp(world.now))
    second = publish(world)
    world.look()
    said = [f"{told.step} {told.said}" for told in world.told()]
    assert len(said) == 2
    assert not [text for text in [*said, str(first.payload), str(second.payload)] if "P1" in text or "P2" in text]


def test_sent_is_what_certainly_arrived(world: Records) -> None:
    first = only(world.look())
    world.journal(first, ACTION_LEASED, ACTION_UNKNOWN)
    world.journal(first, ACTION_SENT)
    assert world.look() == []
