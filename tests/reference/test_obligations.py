"""Obligations of the reference by hand (docs/domain.md 7 and 9): states, due instants, audiences."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from tests.reference.dice import MICROSECOND
from tests.reference.given import ASSET, PARTNER, Story, day, stamp
from tests.reference.networks import random_network
from tests.reference.obligations import UNSENT, obligations
from tests.reference.policy import Policy

PUBLISH = (PARTNER, ASSET, 1, "publish")


def noticed(**fields: object) -> Story:
    """Begin with version 1, a version_change of it posted on day 3, due on day 10."""
    story = Story()
    story.version(1, 2)
    story.notice(3, 1, "version_change", **fields)
    return story


def test_silence_is_pending_until_its_due_and_overdue_just_after() -> None:
    story = noticed()
    assert [story.state(at) for at in (3, 10, day(10) + MICROSECOND)] == ["pending", "pending", "overdue"]


@pytest.mark.parametrize(
    ("at", "state"), [(2, "acknowledged"), (10, "acknowledged"), (day(10) + MICROSECOND, "acknowledged_late")]
)
def test_an_answer_is_in_time_until_its_due(at: float, state: str) -> None:
    story = noticed()
    ack_id = story.answer(at, 1)
    row = story.obligation(20)
    assert (row.state, row.ack_id, row.acked_without_bytes) == (state, ack_id, True)


@pytest.mark.parametrize(
    ("kind", "classification", "days"),
    [
        ("publish", "standard", 7),
        ("publish", "regulated", 2),
        ("publish", "safety", 1),
        ("expiry", "standard", 2),
        ("withdrawal", "regulated", 1),
        ("withdrawal", "odd", 2),
    ],
)
def test_the_time_to_respond_depends_on_kind_and_classification(kind: str, classification: str, days: int) -> None:
    story = Story(classification=classification)
    story.version(1, 2)
    story.notice(3, 1, kind)
    assert story.obligation(4, kind=kind).due_at == day(3 + days)


def test_of_several_notices_the_first_is_when_it_was_sent_and_the_earliest_due_counts() -> None:
    story = noticed()
    story.notice(4, 1, due_at=stamp(6))
    story.notice(5, 1, due_at=stamp(4.5))
    row = story.obligation(7)
    assert (row.sent_at, row.due_at, row.state) == (day(3), day(6), "overdue")


def test_a_retracted_notice_does_not_count_and_all_of_them_make_it_void() -> None:
    story = noticed(retracted_at=stamp(6))
    story.notice(5, 1, due_at=stamp(8), retracted_at=stamp(7))
    rows = [story.obligation(at) for at in (5.5, 6, 7)]
    assert [(row.state, row.sent_at, row.due_at) for row in rows] == [
        ("pending", day(3), day(8)),
        ("pending", day(5), day(8)),
        ("void", day(3), day(8)),
    ]


def test_an_answer_before_the_ground_for_void_stands_and_one_after_it_does_not() -> None:
    for answered_at, state in ((5, "acknowledged"), (6, "acknowledged"), (6.5, "void")):
        story = noticed(retracted_at=stamp(6))
        story.answer(answered_at, 1)
        assert story.state(7) == state


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "left", "left_at": stamp(5)},
        {"status": "left", "updated_at": stamp(5)},
        {"deleted_at": stamp(5)},
    ],
)
def test_who_left_or_was_deleted_owes_nothing_from_then_on(fields: dict[str, object]) -> None:
    story = noticed()
    story.partner(PARTNER, **{"updated_at": stamp(2), **fields})
    assert [story.state(at) for at in (4, 5)] == ["pending", "void"]


def test_a_deleted_asset_and_a_barred_version_void_what_was_asked() -> None:
    story = noticed()
    story.asset(deleted_at=stamp(5), updated_at=stamp(2))
    assert [story.state(at) for at in (4, 5)] == ["pending", "void"]
    story = Story()
    story.version(1, 2, restricted_regions=["US"])
    for kind in ("version_change", "withdrawal"):
        story.notice(3, 1, kind)
        story.answer(4, 1, "completed")
    assert [story.state(5, kind=kind) for kind in ("version_change", "withdrawal")] == ["void", "acknowledged"]


def test_a_higher_version_closes_once_it_lives_and_was_acknowledged_since() -> None:
    for answered_at, state in ((4, "pending"), (5, "closed_by_later")):
        story = noticed()
        story.version(2, 5)
        story.answer(answered_at, 2)
        row = story.obligation(6)
        assert (row.state, row.ack_id) == (state, None)
    story = noticed()
    story.version(2, 1)
    story.answer(2.5, 2)
    assert story.state(6) == "pending"


def test_a_removal_is_not_closed_by_a_higher_version() -> None:
    story = noticed()
    story.version(2, 4)
    story.notice(5, 1, "withdrawal")
    story.answer(6, 2)
    assert story.state(6, kind="withdrawal") == "pending"


def test_an_exemption_covers_its_span_its_asset_and_its_version() -> None:
    story = noticed()
    story.exempt(4, valid_to=stamp(6))
    assert [story.state(at) for at in (3, 4, 6)] == ["pending", "exempt", "pending"]
    for fields, state in (({"asset_id": ASSET, "version_no": 1}, "exempt"), ({"version_no": 2}, "pending")):
        story = noticed()
        story.exempt(4, **fields)
        assert story.state(5) == state


def test_an_exception_is_a_state_of_its_own_and_goes_before_a_refusal() -> None:
    story = noticed()
    before = story.answer(2, 1, "exception")
    declined = story.answer(4, None, "declined")
    assert (story.state(5), story.obligation(5).ack_id) == ("declined", declined)
    asked = story.answer(6, 1, "exception", revoked_at=stamp(8))
    row = story.obligation(7)
    assert (row.state, row.ack_id, row.responded_at) == ("exception_requested", asked, day(6))
    assert story.state(8) == "declined"
    assert before != row.ack_id


def test_neither_a_machine_nor_a_proxy_answers() -> None:
    story = noticed()
    story.answer(4, 1, "auto")
    story.answer(4, 1, "proxy")
    assert story.obligation(5).responded_at is None
    assert story.state(5) == "pending"


def test_an_answer_to_a_removal_counts_only_while_nothing_of_it_is_fetched_again() -> None:
    story = Story()
    story.version(1, 2, withdrawn_at=stamp(4))
    story.download(1, 3)
    story.notice(4, 1, "withdrawal")
    first = story.answer(5, None, "completed")
    story.download(1, 5.5)
    second = story.answer(7, None, "completed")
    rows = [story.obligation(at, kind="withdrawal") for at in (5, 5.5, 7)]
    assert [(row.state, row.ack_id) for row in rows] == [
        ("acknowledged", first),
        ("pending", None),
        ("acknowledged_late", second),
    ]


def test_bytes_are_missing_while_no_answer_comes_at_or_after_them() -> None:
    story = noticed()
    story.answer(4, 1)
    story.download(1, 5)
    assert story.obligation(5).acked_without_bytes
    story.answer(6, 1, "read")
    assert not story.obligation(6).acked_without_bytes


def test_a_notice_without_version_asks_nothing() -> None:
    story = Story()
    story.version(1, 2)
    story.notice(3, None)
    story.notice(3, 1, "access_rules")
    story.notice(3, 1, asset_id=None)
    assert set(obligations(story.arrivals, as_of=day(4))) == {PUBLISH}


def test_a_first_version_is_published_and_the_next_ones_are_changes() -> None:
    story = Story()
    story.version(1, 2)
    story.version(2, 5)
    story.version(3, 6, withdrawn_at=stamp(6))
    rows = obligations(story.arrivals, as_of=day(8))
    assert rows == {PUBLISH: UNSENT, (PARTNER, ASSET, 2, "version_change"): UNSENT}
    story.notice(9, 1, "publish")
    assert (story.state(8, kind="publish"), story.state(9, kind="publish")) == ("unsent", "pending")


def test_a_notice_is_due_before_the_effect_by_what_was_configured_but_never_before_the_approval() -> None:
    story = Story()
    story.version(1, 2, effective_local="2025-06-10T00:00:00")
    story.version(2, 8, effective_local="2025-06-12T00:00:00")
    policy = Policy(announce_before=timedelta(days=5))
    due = [set(obligations(story.arrivals, as_of=at, policy=policy)) for at in (day(5) - MICROSECOND, day(5), day(8))]
    assert due == [set(), {PUBLISH}, {PUBLISH, (PARTNER, ASSET, 2, "version_change")}]


def test_a_joiner_is_told_when_it_becomes_entitled_while_the_version_lives() -> None:
    story = Story()
    story.partner("p2")
    story.grant(grantee_id="p2", valid_from=stamp(5))
    story.version(1, 2)
    story.version(2, 4)
    joined = {("p2", ASSET, 2, "version_change")}
    told = [{key for key in obligations(story.arrivals, as_of=day(at)) if key[0] == "p2"} for at in (4.5, 5)]
    assert told == [set(), joined]


def test_a_holder_without_rights_is_told_of_a_change_and_a_barred_one_is_not() -> None:
    story = Story()
    story.partner("p2", status="suspended")
    story.version(1, 2)
    story.version(2, 4)
    story.version(3, 5, restricted_regions=["US"])
    story.download(1, 3, partner_id="p2")
    keys = {key[2:] for key in obligations(story.arrivals, as_of=day(6)) if key[0] == "p2"}
    assert keys == {(2, "version_change")}


def test_a_removal_is_asked_of_who_holds_the_version_at_that_instant() -> None:
    story = Story()
    story.version(1, 2, withdrawn_at=stamp(5), expires_at=stamp(7))
    story.download(1, 3)
    story.answer(6, None, "completed")
    keys = {key[2:] for key in obligations(story.arrivals, as_of=day(8))}
    assert keys == {(1, "publish"), (1, "withdrawal")}


def test_nothing_that_was_due_before_the_go_live_is_announced() -> None:
    story = Story()
    story.version(1, 2)
    story.version(2, 4)
    rows = obligations(story.arrivals, as_of=day(9), policy=Policy(notify_from=day(4)))
    assert set(rows) == {(PARTNER, ASSET, 2, "version_change")}


def test_random_networks_reach_every_state() -> None:
    reached: Counter[tuple[bool, str]] = Counter()
    for seed in range(120):
        network = random_network(Random(seed), size="medium" if seed % 4 == 0 else "small")
        for at in network.questions[1::2]:
            rows = obligations(network.arrivals(), as_of=at)
            reached.update((key[3] in {"withdrawal", "expiry"}, row.state) for key, row in rows.items())
    print(sorted(reached.items()))
    states = {"acknowledged", "acknowledged_late", "void", "exempt", "exception_requested", "declined"}
    states |= {"overdue", "pending", "unsent"}
    wanted = {(is_removal, state) for is_removal in (False, True) for state in states} | {(False, "closed_by_later")}
    assert set(reached) == wanted
