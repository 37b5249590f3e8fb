"""Classes of acknowledgments of the reference by hand (docs/domain.md 7)."""

from collections import Counter
from datetime import datetime
from random import Random

import pytest

from tests.reference.acknowledgment_classes import acknowledgment_classes
from tests.reference.dice import MICROSECOND
from tests.reference.given import ASSET, PARTNER, Story, day, stamp
from tests.reference.networks import random_network

OF_1 = {"version_no": 1}


@pytest.mark.parametrize(
    ("at", "fields", "expected"),
    [
        (4, {"kind": "received", **OF_1, "revoked_at": stamp(6)}, "revoked"),
        (4, {"kind": "declined", **OF_1}, "response_only"),
        (4, {"kind": "exception"}, "response_only"),
        (4, {"kind": "read"}, "unresolved_version"),
        (4, {"kind": "completed"}, "unresolved_version"),
        (4, {"kind": "auto"}, "unresolved_version"),
        (4, {"kind": "auto", "version_no": 2}, "later_version"),
        (4, {"kind": "accepted", "version_no": 0}, "wrong_version_older"),
        (4, {"kind": "accepted", "version_no": 99}, "later_version"),
        (4, {"kind": "auto", **OF_1}, "receipt_only"),
        (4, {"kind": "proxy", **OF_1}, "proxy"),
        (day(3) - MICROSECOND, {"kind": "read", **OF_1}, "early_valid"),
        (3, {"kind": "read", **OF_1}, "on_time"),
        (10, {"kind": "completed", **OF_1}, "on_time"),
        (day(10) + MICROSECOND, {"kind": "read", **OF_1}, "late"),
    ],
)
def test_a_class_towards_a_version_change(at: float | datetime, fields: dict[str, object], expected: str) -> None:
    story = Story()
    for number in (1, 2):
        story.version(number, 2)
    story.notice(3, 1)
    ack_id = story.acknowledge(at, **fields)
    assert story.classes(20) == {ack_id: expected}


@pytest.mark.parametrize(
    ("at", "fields", "expected"),
    [
        (6, {"kind": "accepted", **OF_1}, "response_only"),
        (6, {"kind": "exception", **OF_1}, "response_only"),
        (6, {"kind": "auto"}, "unresolved_version"),
        (6, {"kind": "auto", "version_no": 2}, "receipt_only"),
        (6, {"kind": "proxy", **OF_1}, "proxy"),
        (day(4) - MICROSECOND, {"kind": "completed"}, "too_early"),
        (4, {"kind": "completed"}, "early_valid"),
        (7, {"kind": "completed", "version_no": 2}, "on_time"),
        (8, {"kind": "completed"}, "late"),
    ],
)
def test_a_class_towards_a_removal(at: float | datetime, fields: dict[str, object], expected: str) -> None:
    story = Story()
    story.version(1, 2, withdrawn_at=stamp(4))
    story.version(2, 2)
    story.notice(5, 1, "withdrawal")
    ack_id = story.acknowledge(at, **fields)
    assert story.classes(20, kind="withdrawal") == {ack_id: expected}


def test_a_removal_of_what_never_ended_is_too_early_before_it_was_sent() -> None:
    story = Story()
    story.version(1, 2)
    story.notice(5, 1, "expiry")
    early, in_time = story.acknowledge(4), story.acknowledge(5)
    assert story.classes(6, kind="expiry") == {early: "too_early", in_time: "on_time"}


def test_the_first_valid_answer_keeps_its_class_and_further_ones_repeat_it() -> None:
    story = Story()
    story.version(1, 2)
    story.notice(3, 1)
    later, first = story.answer(5, 1, ack_id="b"), story.answer(5, 1, ack_id="a")
    refused = story.answer(6, 1, "declined")
    assert story.classes(20) == {first: "on_time", later: "repeated", refused: "response_only"}


def test_an_equal_checksum_carries_an_answer_over_and_two_unknown_ones_do_not() -> None:
    for checksum, expected in (("same", "on_time"), (None, "wrong_version_older")):
        story = Story()
        story.version(1, 2, checksum_sha256=checksum)
        story.version(2, 3, checksum_sha256=checksum)
        story.notice(3, 2)
        ack_id = story.answer(4, 1)
        assert story.classes(5, number=2) == {ack_id: expected}


def test_asset_and_version_come_from_the_notice_if_it_is_about_the_same_asset() -> None:
    story = Story()
    story.version(1, 2)
    notice_id = story.notice(3, 1)
    other = story.notice(3, 1, asset_id="a2")
    both = story.answer(4, None, notice_id=notice_id, asset_id=None)
    version = story.answer(5, None, notice_id=notice_id)
    foreign = story.answer(6, None, notice_id=other)
    assert story.classes(7) == {both: "on_time", version: "repeated", foreign: "unresolved_version"}


def test_a_parent_answers_for_its_direct_children_if_it_says_so() -> None:
    story = Story()
    story.partner("p0")
    story.partner(PARTNER, parent_partner_id="p0", updated_at=stamp(2))
    story.version(1, 2)
    story.notice(3, 1)
    covering = story.answer(4, 1, partner_id="p0", covers_children=True)
    alone = story.answer(4, 1, partner_id="p0")
    assert story.classes(5) == {covering: "on_time"}
    assert acknowledgment_classes(story.arrivals, as_of=day(5))[alone, None] == "unsolicited"


def test_what_answers_nothing_that_was_sent_is_unsolicited_once() -> None:
    story = Story()
    story.version(1, 2)
    early = story.answer(3, 1)
    nowhere = story.answer(3, 1, asset_id="a-unknown")
    rows = acknowledgment_classes(story.arrivals, as_of=day(4))
    assert rows == {(early, None): "unsolicited", (nowhere, None): "unsolicited"}
    story.notice(5, 1)
    key = (PARTNER, ASSET, 1, "version_change")
    rows = acknowledgment_classes(story.arrivals, as_of=day(5))
    assert rows == {(early, key): "early_valid", (nowhere, None): "unsolicited"}


def test_random_networks_reach_every_class() -> None:
    reached: Counter[tuple[bool, str]] = Counter()
    for seed in range(120):
        network = random_network(Random(seed), size="medium" if seed % 4 == 0 else "small")
        for at in network.questions[1::2]:
            rows = acknowledgment_classes(network.arrivals(), as_of=at)
            reached.update(
                (key is not None and key[3] in {"withdrawal", "expiry"}, name) for (_, key), name in rows.items()
            )
    print(sorted(reached.items()))
    towards_both = {"revoked", "response_only", "unresolved_version", "receipt_only", "proxy"}
    towards_both |= {"early_valid", "late", "on_time", "repeated"}
    wanted = {(is_removal, name) for is_removal in (False, True) for name in towards_both}
    wanted |= {(False, "wrong_version_older"), (False, "later_version"), (True, "too_early"), (False, "unsolicited")}
    assert set(reached) == wanted
