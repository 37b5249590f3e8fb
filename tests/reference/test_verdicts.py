"""Access verdicts of the reference by hand (docs/domain.md 8)."""

from collections import Counter
from datetime import datetime
from random import Random

import pytest

from tests.reference.dice import MICROSECOND
from tests.reference.given import PARTNER, Story, day, stamp
from tests.reference.networks import random_network
from tests.reference.verdicts import Verdict, first_verdicts, verdicts

LOCAL: dict[str, object] = {"effective_policy": "partner_local", "effective_local": "2025-06-05T00:00:00"}


@pytest.mark.parametrize(
    ("number", "at", "timing"),
    [
        (9, 3, "version_unknown"),
        (1, 1.5, "embargo"),
        (1, 2, "live"),
        (1, 5, "obsolete_superseded"),
        (1, 9, "obsolete_withdrawn"),
        (2, day(7) - MICROSECOND, "live"),
        (2, 7, "obsolete_expired"),
        (3, 6, "never_effective"),
    ],
)
def test_timing_is_the_first_that_matches(number: int, at: float | datetime, timing: str) -> None:
    story = Story()
    story.version(1, 2, withdrawn_at=stamp(9))
    story.version(2, 5, expires_at=stamp(7))
    story.version(3, None, approval_status="pending")
    assert story.verdict(story.download(number, at)) == ("ok", timing)


def test_a_withdrawal_counts_whatever_ended_the_life_and_whatever_the_approval() -> None:
    story = Story()
    story.version(1, None, approval_status="rejected", withdrawn_at=stamp(3), expires_at=stamp(2))
    assert story.verdict(story.download(1, 3))[1] == "obsolete_withdrawn"
    assert story.verdict(story.download(1, 2))[1] == "obsolete_expired"


def test_a_reinstated_version_is_live_again() -> None:
    story = Story(on_withdraw="reinstate_previous")
    story.version(1, 2)
    story.version(2, 5, withdrawn_at=stamp(7))
    assert [story.verdict(story.download(1, at))[1] for at in (6, 7)] == ["obsolete_superseded", "live"]


def test_timing_ignores_bars_and_entitlement_does_not() -> None:
    story = Story()
    story.version(1, 2)
    story.version(2, 5, restricted_regions=["US"])
    assert story.verdict(story.download(2, 6)) == ("barred", "live")
    assert story.verdict(story.download(1, 6)) == ("ok", "obsolete_superseded")


def test_an_unknown_identity_is_judged_by_the_publishers_clock() -> None:
    story = Story()
    story.version(1, 2, **LOCAL)
    midnight_in_berlin = datetime.fromisoformat("2025-06-04T22:00:00+00:00")
    assert story.verdict(story.download(1, midnight_in_berlin)) == ("ok", "embargo")
    for partner_id in (None, "stranger"):
        event_id = story.download(1, midnight_in_berlin, partner_id=partner_id)
        assert story.verdict(event_id) == ("unknown_identity", "live")


@pytest.mark.parametrize(
    ("rights", "effect", "looking", "obtaining"),
    [
        (["view"], "allow", "ok", "no_grant"),
        (["download"], "allow", "ok", "ok"),
        (["redistribute"], "allow", "no_grant", "no_grant"),
        (["view"], "deny", "explicit_deny", "explicit_deny"),
        (["download"], "deny", "ok", "explicit_deny"),
        (["redistribute"], "deny", "ok", "ok"),
    ],
)
def test_to_look_takes_less_than_to_obtain(rights: list[str], effect: str, looking: str, obtaining: str) -> None:
    story = Story()
    story.partner("p2")
    story.version(1, 2)
    story.grant(grantee_id="p2", rights=rights, effect=effect)
    if effect == "deny":
        story.grant(grantee_id="p2")
    found = [
        story.verdict(story.download(1, 3, partner_id="p2", event_type=kind))[0]
        for kind in ("previewed", "opened", "downloaded", "denied")
    ]
    assert found == [looking, looking, obtaining, obtaining]


def test_nothing_is_granted_to_who_is_gone_and_not_even_denied() -> None:
    story = Story()
    story.version(1, 2)
    story.grant(effect="deny", rights=["view"])
    story.partner(PARTNER, status="left", left_at=stamp(5), updated_at=stamp(2))
    found = [story.verdict(story.download(1, at))[0] for at in (4, 5)]
    assert found == ["explicit_deny", "no_grant"]


def test_a_suspended_partner_has_its_grants() -> None:
    story = Story()
    story.version(1, 2)
    story.partner(PARTNER, status="suspended", updated_at=stamp(2))
    assert story.verdict(story.download(1, 3))[0] == "ok"


def test_a_delivery_is_judged_when_it_first_reached_its_partner() -> None:
    story = Story()
    story.version(1, 2)
    story.version(2, 5)
    story.deliver("d1", 1, 4, status="queued")
    story.deliver("d2", 1, 1, status="queued")
    story.deliver("d2", 1, 4, channel="portal")
    story.deliver("d2", 1, 6, status="picked_up", channel="portal")
    assert verdicts(story.arrivals) == {("delivery", "d2"): Verdict("ok", "live")}


def test_then_is_judged_by_what_was_known_when_it_was_first_known() -> None:
    story = Story()
    story.version(1, 2)
    story.known_at = day(3)
    event_id = story.download(1, 2.5)
    story.deliver("d1", 1, 2.5, status="queued", updated_at=stamp(2))
    story.known_at = day(4)
    story.version(1, 2, withdrawn_at=stamp(2.2), updated_at=stamp(4))
    story.deliver("d1", 1, 2.5)
    story.known_at = day(5)
    story.grant(effect="deny")
    event, delivery = ("access_event", event_id), ("delivery", "d1")
    assert first_verdicts(story.arrivals) == {
        event: Verdict("ok", "live"),
        delivery: Verdict("ok", "obsolete_withdrawn"),
    }
    assert verdicts(story.arrivals) == {
        event: Verdict("explicit_deny", "obsolete_withdrawn"),
        delivery: Verdict("explicit_deny", "obsolete_withdrawn"),
    }


def test_a_superseded_event_keeps_the_verdict_that_it_once_had() -> None:
    story = Story()
    story.version(1, 2)
    wrong = story.download(1, 3)
    story.known_at = day(4)
    right = story.download(1, 1, supersedes_event_id=wrong)
    assert set(verdicts(story.arrivals)) == {("access_event", right)}
    assert first_verdicts(story.arrivals)["access_event", wrong] == Verdict("ok", "live")


def test_random_networks_reach_every_verdict_and_change_many() -> None:
    reached: Counter[str] = Counter()
    changed = 0
    for seed in range(60):
        arrivals = random_network(Random(seed)).arrivals()
        now, then = verdicts(arrivals), first_verdicts(arrivals)
        reached.update(name for verdict in now.values() for name in (verdict.entitlement, verdict.timing))
        changed += sum(now.get(subject) != verdict for subject, verdict in then.items())
    print(sorted(reached.items()), changed)
    entitlements = {"unknown_identity", "barred", "explicit_deny", "no_grant", "ok"}
    timings = {"version_unknown", "obsolete_withdrawn", "obsolete_expired", "never_effective", "embargo", "live"}
    assert set(reached) == entitlements | timings | {"obsolete_superseded"}
    assert changed > 30
