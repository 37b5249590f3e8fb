"""The reference by hand: identities, copies, removals, grants, grace.

The named traps of docs/domain.md 3, 6 and 8; lives are in test_versions.py, the 18
rules and the random networks in test_rules.py.
"""

from datetime import timedelta

import pytest

from tests.reference.dice import MICROSECOND
from tests.reference.given import ASSET, PARTNER, Story, day, stamp


def test_a_barred_partner_is_never_called_stale() -> None:
    story = Story()
    story.version(1, 1)
    story.version(2, 5, restricted_regions=["US"])
    story.download(1, 2)
    row = story.ask(100)
    assert (row.position, row.target_version_no, row.is_outdated) == (
        "current",
        1,
        False,
    )


def test_a_pre_positioned_partner_is_ahead_and_then_current() -> None:
    story = Story()
    story.version(1, 1)
    story.version(2, 3, effective_local="2025-06-10T00:00:00")
    story.download(2, 4)
    assert story.ask(day(10) - MICROSECOND).position_rule == 15
    assert story.ask(10).position_rule == 14
    assert story.ask(10).grace_until == day(17)


def test_what_was_removed_and_then_fetched_again_is_held_again() -> None:
    story = Story()
    story.version(1, 1)
    story.download(1, 2)
    story.acknowledge(3)
    story.download(1, 4)
    assert [story.rule(at) for at in (2, 3, 4)] == [14, 3, 14]


def test_a_revoked_attestation_gives_the_copy_back() -> None:
    story = Story()
    story.version(1, 1)
    story.download(1, 2)
    story.acknowledge(3, revoked_at=stamp(5))
    assert [story.rule(at) for at in (4, 5)] == [3, 14]


def test_an_attestation_keeps_the_live_version_that_it_names() -> None:
    story = Story()
    story.version(1, 1)
    story.version(2, 3)
    story.download(None, 2)
    story.download(1, 2)
    story.download(2, 4)
    story.acknowledge(5, version_no=2)
    row = story.ask(6)
    assert (row.held_versions, row.holds_unknown) == ((2,), False)


def test_an_attestation_removes_the_withdrawn_version_that_it_names() -> None:
    story = Story()
    story.version(1, 1, withdrawn_at=stamp(4))
    story.download(1, 2)
    story.acknowledge(3, version_no=1)
    assert story.rule(5) == 6
    story.acknowledge(4, version_no=1)
    assert story.rule(5) == 3


def test_an_attestation_takes_its_asset_and_version_from_its_notice() -> None:
    story = Story()
    story.version(1, 1)
    story.version(2, 3)
    story.download(1, 2)
    story.download(2, 4)
    notice = {"notice_id": "n1", "partner_id": PARTNER, "kind": "version_change"}
    story.add(
        "notices",
        {**notice, "asset_id": ASSET, "version_no": 2, "posted_at": stamp(3)},
    )
    story.acknowledge(5, asset_id=None, notice_id="n1")
    assert story.ask(6).held_versions == (2,)


def test_a_parents_attestation_covers_its_direct_children_only() -> None:
    story = Story()
    story.partner("p2", parent_partner_id=PARTNER)
    story.partner("p3", parent_partner_id="p2")
    story.version(1, 1)
    for partner_id in (PARTNER, "p2", "p3"):
        story.download(1, 2, partner_id=partner_id)
    story.acknowledge(3, covers_children=True)
    assert [story.rule(4, who) for who in (PARTNER, "p2", "p3")] == [3, 3, 14]


def test_a_superseded_event_counts_in_nothing_once_that_is_known() -> None:
    story = Story()
    story.version(1, 1)
    story.version(2, 3)
    wrong = story.download(1, 4)
    story.known_at = day(8)
    story.download(2, 4, supersedes_event_id=wrong)
    assert story.ask(5, as_known_at=day(7)).held_versions == (1,)
    assert story.ask(5).held_versions == (2,)


def test_a_correction_in_place_counts_by_its_later_recording() -> None:
    story = Story()
    story.version(1, 1)
    story.version(2, 3)
    story.download(2, 4, event_id="e", recorded_at=stamp(6))
    story.download(1, 4, event_id="e", recorded_at=stamp(5))
    assert story.ask(7).held_versions == (2,)


def test_a_duplicate_keeps_its_first_arrival() -> None:
    story = Story()
    story.version(1, 1)
    xref = {"entity": "partner", "vip_id": "v", "trading_grid_id": PARTNER}
    story.add("xref", xref)
    story.known_at = day(2)
    story.add("xref", {**xref, "valid_to": stamp(3)})
    story.known_at = day(3)
    story.add("xref", xref)
    story.download(1, 5, partner_id="v")
    assert story.rule(6) == 2


def test_merged_partners_hold_together() -> None:
    story = Story()
    story.version(1, 1)
    for vip_id in ("v1", "v2"):
        story.add(
            "xref",
            {"entity": "partner", "vip_id": vip_id, "trading_grid_id": PARTNER},
        )
    story.download(7, 2, partner_id="v1")
    story.download(1, 3, partner_id="v2")
    row = story.ask(4)
    assert (row.held_versions, row.holds_unknown) == ((1,), True)


def test_an_ambiguous_identity_is_assigned_to_nobody() -> None:
    story = Story()
    story.partner("p2")
    story.version(1, 1)
    for partner_id, valid_to in ((PARTNER, None), ("p2", stamp(5))):
        story.add(
            "xref",
            {
                "entity": "partner",
                "vip_id": "v",
                "trading_grid_id": partner_id,
                "valid_to": valid_to,
            },
        )
    story.download(1, 4, partner_id="v")
    assert (story.rule(9), ("p2", ASSET) in story.pairs(9)) == (2, False)
    story.download(1, 5, partner_id="v")
    assert story.rule(9) == 14


def test_a_missing_partner_comes_from_the_delivery_and_then_from_the_user() -> None:
    story = Story()
    story.version(1, 1)
    story.deliver("d1", 1, 2, status="queued")
    story.download(None, 3, partner_id=None, delivery_id="d1")
    assert story.ask(4).held_versions == (1,)
    user = {"user_id": "u1", "partner_id": "p2", "updated_at": stamp(1)}
    story.add("partner_users", user)
    story.partner("p2")
    story.download(1, 3, partner_id=None, user_id="u1", delivery_id="d-unknown")
    assert story.ask(4, partner_id="p2").held_versions == (1,)


def test_a_delivery_is_obtained_once_by_the_first_edition_that_says_so() -> None:
    story = Story()
    story.version(1, 1)
    story.deliver("d1", 1, 6, status="picked_up")
    story.deliver("d1", 1, 3)
    story.deliver("d1", 1, 9, status="failed")
    assert story.ask(10).last_obtained_at == day(3)
    assert story.rule(2) == 2


def test_a_portal_delivery_is_no_copy_before_it_is_picked_up() -> None:
    story = Story()
    story.version(1, 1)
    story.deliver("d1", 1, 3, channel="portal")
    row = story.ask(4)
    assert (row.position_rule, row.evidence_rung) == (2, 2)


def test_entitlement_follows_segments_up_to_a_deleted_one() -> None:
    story = Story()
    story.partner("p2")
    story.grant(grantee_id="p2", object_type="segment", object_id="top")
    chain = [("low", "mid", None), ("mid", "top", stamp(5)), ("top", "low", None)]
    for segment_id, parent, deleted_at in chain:
        story.add(
            "segments",
            {
                "segment_id": segment_id,
                "parent_segment_id": parent,
                "deleted_at": deleted_at,
                "updated_at": stamp(1),
            },
        )
    link = {"segment_id": "low", "asset_id": ASSET, "added_at": stamp(3)}
    story.add("segment_assets", link)
    found = [("p2", ASSET) in story.pairs(at) for at in (2, 3, 5)]
    assert found == [False, True, False]


def test_a_package_allows_from_its_embargo_on_and_denies_at_once() -> None:
    story = Story()
    package = {"package_id": "k", "embargo_until": stamp(5), "updated_at": stamp(1)}
    story.add("packages", package)
    story.add("package_items", {"package_id": "k", "asset_id": ASSET})
    story.partner("p2")
    story.grant(grantee_id="p2", object_type="package", object_id="k")
    assert [("p2", ASSET) in story.pairs(at) for at in (4, 5)] == [False, True]
    story.grant(effect="deny", object_type="package", object_id="k", rights=["view"])
    assert (PARTNER, ASSET) not in story.pairs(2)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "suspended"},
        {"status": "left", "left_at": stamp(3)},
        {"status": "left", "updated_at": stamp(3)},
        {"deleted_at": stamp(3)},
    ],
)
def test_who_is_gone_or_suspended_keeps_its_row_only_for_what_it_held(
    fields: dict[str, object],
) -> None:
    story = Story()
    story.version(1, 1)
    story.partner(PARTNER, **{"updated_at": stamp(2), **fields})
    assert (PARTNER, ASSET) not in story.pairs(4)
    story.download(1, 2)
    row = story.ask(4)
    assert (row.position, row.entitled) == ("current", False)


def test_grace_runs_out_at_its_very_end() -> None:
    for classification, days in (("standard", 7), ("regulated", 2), ("odd", 7)):
        story = Story(classification=classification)
        story.version(1, 1)
        story.version(2, 5)
        story.download(1, 2)
        end = day(5) + timedelta(days=days)
        assert (story.rule(end - MICROSECOND), story.rule(end)) == (17, 18)
    story = Story(classification="safety")
    story.version(1, 1)
    story.version(2, 5)
    story.download(1, 2)
    assert story.rule(5) == 18
