"""P5: where the two systems drift apart, what nobody uses, and what ends while partners still hold it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.actions.records_world import BEFORE, DAY, START, Records, open_records, stamp

TARGETS: Final = ("audit.rights_conditions", "marts.grants_unused", "marts.grants_ending", "marts.rights_drift")
GROUP: Final = ("partner_group", "G1")
SEGMENT: Final = ("segment", "S1")


def tell(records: Records) -> None:
    """Group G1 (DACH) with partner P1 may view and download segment S1 with asset A1: all is well."""
    records.partner("P1")
    records.put("partner_groups", "G1", group_id="G1", name="Trade DACH", dimension="region", value="DACH")
    records.put("group_members", "G1", "P1", group_id="G1", partner_id="P1", joined_at=stamp(BEFORE))
    records.put("segments", "S1", segment_id="S1", name="DACH library", dimension="region", value="DACH")
    records.asset("A1")
    records.version("A1")
    records.put("segment_assets", "S1", "A1", segment_id="S1", asset_id="A1", added_at=stamp(BEFORE))
    records.grant("R1", GROUP, SEGMENT)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Records]:
    with open_records(tmp_path, "rights", TARGETS) as records:
        tell(records)
        yield records


def seen(world: Records) -> list[tuple[str, str]]:
    """Look, and return the findings."""
    world.look()
    return world.findings()


def test_where_both_sides_agree_nothing_is_found(world: Records) -> None:
    assert seen(world) == []


def test_a_grant_to_a_group_that_trading_grid_does_not_know(world: Records) -> None:
    world.grant("R2", ("partner_group", "G9"), SEGMENT)
    assert seen(world) == [("grant_to_unknown_group", "R2")]
    assert world.tables.rows("select subject_id, repair from marts.rights_drift") == [
        ("R2", "create the group in Trading Grid, or end the grant")
    ]


def test_a_grant_to_a_partner_that_nobody_knows(world: Records) -> None:
    world.grant("R2", ("partner", "P9"), SEGMENT)
    assert seen(world) == [("grant_to_unknown_partner", "R2")]


def test_a_grant_to_a_partner_under_its_vip_name_is_no_finding(world: Records) -> None:
    world.put("xref", "P1", entity="partner", vip_id="V-1", trading_grid_id="P1")
    world.grant("R2", ("partner", "V-1"), SEGMENT)
    assert seen(world) == []


def test_a_group_with_grants_and_nobody_in_it(world: Records) -> None:
    world.put("group_members", "G1", "P1", left_at=stamp(START))
    assert seen(world) == [("group_without_members", "G1")]


def test_a_granted_segment_without_assets(world: Records) -> None:
    world.put("segment_assets", "S1", "A1", removed_at=stamp(START))
    assert seen(world) == [("segment_without_assets", "S1")]


def test_a_segment_that_has_its_assets_below_it_is_not_empty(world: Records) -> None:
    world.put("segments", "S2", segment_id="S2", name="Below", dimension="region", value="DACH", parent_segment_id="S1")
    world.put("segment_assets", "S1", "A1", segment_id="S2")
    assert seen(world) == []


def test_a_grant_on_a_deleted_segment(world: Records) -> None:
    world.put("segments", "S2", segment_id="S2", name="Gone", dimension="brand", value="B", deleted_at=stamp(START))
    world.grant("R2", GROUP, ("segment", "S2"))
    assert seen(world) == [("grant_on_deleted_segment", "R2")]


def test_a_group_that_was_given_another_value_than_its_segment(world: Records) -> None:
    world.put("partner_groups", "G1", value="DACH (new)")
    assert seen(world) == [("segment_group_value_mismatch", "R1"), ("segment_without_group", "S1")]


def test_a_segment_without_its_group_and_a_group_without_its_segment(world: Records) -> None:
    world.put("segments", "S2", segment_id="S2", name="Programme", dimension="partner_program", value="X")
    world.put("partner_groups", "G2", group_id="G2", name="Other", dimension="partner_program", value="Y")
    world.put("partner_groups", "G3", group_id="G3", name="Online", dimension="channel", value="online")
    assert seen(world) == [("group_without_segment", "G2"), ("segment_without_group", "S2")]


def test_a_member_whose_region_is_not_the_groups(world: Records) -> None:
    world.put("partner_groups", "G2", group_id="G2", name="Germany", dimension="region", value="DE")
    world.put("segments", "S2", segment_id="S2", name="Germany", dimension="region", value="DE")
    for partner, region in (("P2", "DE-BY"), ("P3", "FR")):
        world.partner(partner, region=region)
        world.put("group_members", "G2", partner, group_id="G2", partner_id=partner, joined_at=stamp(START))
    assert seen(world) == [("member_outside_region", "G2|P3")]


def test_of_two_regions_the_later_membership_is_doubtful(world: Records) -> None:
    world.put("partner_groups", "G2", group_id="G2", name="Iberia", dimension="region", value="IBERIA")
    world.put("segments", "S2", segment_id="S2", name="Iberia", dimension="region", value="IBERIA")
    world.put("group_members", "G2", "P1", group_id="G2", partner_id="P1", joined_at=stamp(START))
    assert seen(world) == [("member_of_two_regions", "G2|P1")]
    world.put("group_members", "G2", "P1", left_at=stamp(world.now))
    assert seen(world) == []


def test_a_member_to_whom_vip_denies_what_its_group_is_granted(world: Records) -> None:
    world.grant("R2", ("partner", "P1"), SEGMENT, effect="deny")
    assert seen(world) == [("member_denied_by_grant", "R2")]


def test_a_grant_that_nobody_used_for_ninety_days(world: Records) -> None:
    world.look(BEFORE + 90 * DAY - START - timedelta(hours=1))
    assert world.rules() == []
    world.look()
    assert world.findings() == [("grant_unused", "R1")]
    assert world.tables.rows("select grant_id, partners_reached, assets_reached from marts.grants_unused") == [
        ("R1", 1, 1)
    ]
    world.obtain("P1", "A1")
    assert seen(world) == []


def test_a_grant_that_reaches_nobody_is_not_called_unused(world: Records) -> None:
    world.partner("P1", status="left", left_at=stamp(BEFORE + DAY))
    world.look(100 * DAY)
    assert world.rules() == ["group_without_members"]


def test_what_was_obtained_before_a_grant_began_is_no_use_of_it(world: Records) -> None:
    world.obtain("P1", "A1", at=BEFORE - DAY)
    world.look(100 * DAY)
    assert world.rules() == ["grant_unused"]


def test_a_grant_that_ends_while_its_copies_are_held(world: Records) -> None:
    world.put("grants", "R1", valid_to=stamp(START + 31 * DAY))
    world.obtain("P1", "A1", at=BEFORE + DAY)
    assert seen(world) == []
    world.look(2 * DAY)
    assert world.findings() == [("grant_ending", "R1")]
    assert world.tables.rows("select grant_id, partners_losing, partners_holding from marts.grants_ending") == [
        ("R1", 1, 1)
    ]


def test_a_grant_that_ends_and_that_nobody_holds_anything_under_is_no_finding(world: Records) -> None:
    world.put("grants", "R1", valid_to=stamp(START + 10 * DAY))
    assert seen(world) == []
    assert world.tables.rows("select grant_id, partners_holding from marts.grants_ending") == [("R1", 0)]


def test_a_grant_that_another_one_outlasts_takes_nothing_away(world: Records) -> None:
    world.put("grants", "R1", valid_to=stamp(START + 10 * DAY))
    world.obtain("P1", "A1", at=BEFORE + DAY)
    world.grant("R2", ("partner", "P1"), ("asset", "A1"))
    assert seen(world) == []


def test_a_grant_that_ends_before_a_launch_needs_it(world: Records) -> None:
    world.put("grants", "R1", valid_to=stamp(START + 10 * DAY))
    world.put("campaigns", "C1", campaign_id="C1", name="Spring", status="planning", launch_policy="instant",
              launch_local="2026-03-20T00:00:00", updated_at=stamp(BEFORE))  # fmt: skip
    world.put("campaign_partners", "C1", "P1", campaign_id="C1", partner_id="P1", required=True)
    world.put("packages", "K1", package_id="K1", campaign_id="C1", name="Kit", updated_at=stamp(BEFORE))
    world.put("package_items", "K1", "A1", package_id="K1", asset_id="A1", required=True, sequence=1)
    assert seen(world) == [("grant_ending", "R1")]
    assert world.tables.rows("select campaigns from marts.grants_ending") == [(["C1"],)]


def test_a_rule_about_an_asset_that_has_no_name_in_trading_grid(world: Records) -> None:
    world.asset("A2")
    world.put("xref", "A2", entity="asset", vip_id="A9", trading_grid_id="A2")
    world.grant("R2", GROUP, ("asset", "A2"))
    assert seen(world) == [("access_rule_without_name", "A2")]


def test_more_rules_than_trading_grid_takes(world: Records) -> None:
    for number in range(1001):
        world.asset(f"B{number}")
        world.grant(f"RB{number}", GROUP, ("asset", f"B{number}"))
    assert seen(world) == [("too_many_access_rules", "G1")]


def test_nothing_is_called_unused_while_the_downloads_are_late(tmp_path: Path) -> None:
    with open_records(tmp_path, "rights", TARGETS, vip_until=START) as world:
        tell(world)
        world.look(100 * DAY)
        assert world.rules() == []
