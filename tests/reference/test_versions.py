"""Lives and targets of the reference by hand: the named traps of docs/domain.md 4."""

from datetime import UTC, datetime

from tests.reference.dice import MICROSECOND
from tests.reference.given import PARTNER, Story, day, stamp
from tests.reference.versions import version_lives


def utc(year: int, month: int, date: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return an instant in UTC."""
    return datetime(year, month, date, hour, minute, tzinfo=UTC)


def test_a_region_bars_at_a_hyphen_only() -> None:
    story = Story()
    story.partner("p2", region="US-CAL")
    story.version(1, 1, restricted_regions=["US-CA"])
    assert {life.region for life in story.full_lives()} == {"US-CAL"}


def test_a_version_withdrawn_before_its_effect_has_no_life() -> None:
    story = Story()
    story.version(1, 1)
    story.version(2, 5, withdrawn_at=stamp(5))
    story.version(3, 7, withdrawn_at=stamp(6))
    assert story.lives() == [(1, day(1), None, None)]


def test_of_two_that_begin_at_once_the_lower_has_no_life() -> None:
    story = Story()
    story.version(1, 2)
    story.version(2, 2, expires_at=stamp(9))
    story.version(3, 2, expires_at=stamp(2))
    assert story.lives() == [(2, day(2), day(9), "expired")]


def test_at_equal_instants_withdrawn_goes_before_expired_and_superseded() -> None:
    story = Story()
    story.version(1, 1, withdrawn_at=stamp(5), expires_at=stamp(5))
    story.version(2, 5, expires_at=stamp(8))
    story.version(3, 8)
    reasons = [life.end_reason for life in story.full_lives()]
    assert reasons == ["withdrawn", "expired", None]


def test_a_revocation_without_an_instant_counts_from_its_first_edition() -> None:
    story = Story()
    story.version(1, 1)
    story.version(1, 1, approval_status="revoked", updated_at=stamp(6))
    story.version(1, 1, approval_status="revoked", updated_at=stamp(4))
    assert story.lives() == [(1, day(1), day(4), "withdrawn")]


def test_a_local_time_in_a_gap_takes_the_offset_before_the_change() -> None:
    story = Story()
    story.version(
        1,
        datetime(2025, 1, 1, tzinfo=UTC),
        effective_local="2025-03-30T02:30:00",
        effective_policy="publisher_local",
    )
    (life,) = story.full_lives()
    assert life.effective_at == utc(2025, 3, 30, 1, 30)
    assert life.resolution_flag == "skipped"


def test_a_local_time_in_an_overlap_is_the_first_of_the_two() -> None:
    story = Story()
    story.version(
        1,
        datetime(2025, 1, 1, tzinfo=UTC),
        effective_local="2025-10-26T02:30:00",
        effective_policy="publisher_local",
    )
    (life,) = story.full_lives()
    assert life.effective_at == utc(2025, 10, 26, 0, 30)
    assert life.resolution_flag == "repeated"


def test_a_skipped_day_in_apia_resolves_with_the_offset_before_it() -> None:
    story = Story()
    story.partner(PARTNER, timezone="Pacific/Apia", updated_at=stamp(2))
    story.version(
        1,
        datetime(2011, 1, 1, tzinfo=UTC),
        effective_local="2011-12-30T12:00:00",
        effective_policy="partner_local",
    )
    (life,) = story.full_lives()
    assert life.effective_at == utc(2011, 12, 30, 22, 0)
    assert life.resolution_flag == "skipped"


def test_each_partner_changes_over_at_its_own_midnight() -> None:
    story = Story()
    story.partner("p2", timezone="Asia/Kolkata")
    story.grant(grantee_id="p2")
    story.version(1, 1)
    story.version(2, 1.5, effective_local="2025-06-10T00:00:00", effective_policy="partner_local")
    kolkata, new_york = utc(2025, 6, 9, 18, 30), utc(2025, 6, 10, 4)
    assert story.ask(kolkata, partner_id="p2").target_version_no == 2
    before = kolkata - MICROSECOND
    assert story.ask(before, partner_id="p2").target_version_no == 1
    assert story.ask(new_york - MICROSECOND).target_version_no == 1
    assert story.ask(new_york).target_version_no == 2


def test_a_reinstated_predecessor_is_the_target_until_it_is_withdrawn_too() -> None:
    story = Story(on_withdraw="reinstate_previous")
    story.version(1, 1)
    story.version(2, 3, withdrawn_at=stamp(12))
    story.version(3, 6, withdrawn_at=stamp(9))
    story.version(4, 20)
    story.download(2, 4)
    assert story.lives() == [
        (1, day(1), day(3), "superseded"),
        (2, day(3), day(6), "superseded"),
        (3, day(6), day(9), "withdrawn"),
        (2, day(9), day(12), "withdrawn"),
        (1, day(12), day(20), "superseded"),
        (4, day(20), None, None),
    ]
    assert [life.is_reinstated for life in story.full_lives()] == [
        False,
        False,
        False,
        True,
        True,
        False,
    ]
    assert story.ask(10).grace_until == day(16)
    assert (story.rule(10), story.rule(13)) == (14, 11)


def test_a_withdrawal_by_itself_revives_nothing() -> None:
    story = Story()
    story.version(1, 1)
    story.version(2, 3, withdrawn_at=stamp(9))
    story.download(2, 4)
    assert story.rule(10) == 6
    assert story.ask(10).target_version_no is None


def test_an_expiry_does_not_reinstate() -> None:
    story = Story(on_withdraw="reinstate_previous")
    story.version(1, 1)
    story.version(2, 3, expires_at=stamp(5), withdrawn_at=stamp(6))
    assert len(story.lives()) == 2


def test_the_same_arrivals_in_another_order_give_the_same_lives() -> None:
    story = Story(on_withdraw="reinstate_previous")
    story.version(1, 1)
    story.version(2, 4, withdrawn_at=stamp(9))
    story.version(2, 5, withdrawn_at=stamp(9))
    assert version_lives(reversed(story.arrivals)) == story.full_lives()
