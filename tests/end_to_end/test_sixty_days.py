"""Two living systems with vipgrid at the desk: every pattern starts, runs and ends, as the two servers tell it.

What is expected of twenty days is expected of sixty as well; the numbers grow with them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Final

import pytest

from sandbox.life.cases import ISSUE_MOVES, REQUEST_MOVES
from tests.end_to_end.counts import gap_packs, late_publications
from tests.end_to_end.holders import Copies
from tests.end_to_end.leaks import asides_quoted, english_lines, internal_comments, reader_of, strangers_named
from tests.end_to_end.months import DESK, US, Months, Record, instant, lived

pytestmark = pytest.mark.xdist_group("months")
SHORT: Final = 20
LONG: Final = 60
ENDED: Final = {"closed", "denied", "cancelled"}
WITH_THE_PARTNER: Final = {"delivered", "waiting_partner"}


_MINUTES: Final = pytest.mark.timeout(3600)


@pytest.fixture(
    scope="module",
    params=[pytest.param(SHORT, marks=_MINUTES), pytest.param(LONG, marks=[pytest.mark.chaos, _MINUTES])],
    ids=lambda days: f"{days} days",
)
def months(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Months]:
    with lived(tmp_path_factory.mktemp("months"), request.param) as told:
        yield told


def several(months: Months, *, short: int, long: int) -> int:
    """How many are expected at least of so many days."""
    return short if months.days <= SHORT else long


def test_no_write_is_refused_and_no_key_has_two_effects(months: Months) -> None:
    assert [(w["operation"], w["path"], w["status"], w["detail"]) for w in months.refused] == []
    keys = Counter(w["external_key"] for w in months.writes if w["external_key"] is not None)
    assert {key for key, count in keys.items() if count > 1} == set()
    assert months.received["duplicates"] == []
    assert len({w["idempotency_key"] for w in months.writes}) == len(months.writes)


def test_nobody_is_told_the_same_twice(months: Months) -> None:
    told = Counter(
        (body["partner_id"], body.get("asset_id"), body.get("version_no"), body["kind"], body["subject"], body["body"])
        for body in (write["body"] for write in months.sent("postNotice"))
        if body["kind"] not in {"request_update", "issue_update"}
    )
    assert [key[:5] for key, count in told.items() if count > 1] == []
    first = Counter(
        (body["partner_id"], body["asset_id"], body["version_no"], kind)
        for kind in ("publish", "version_change", "withdrawal", "expiry")
        for body in months.notices(kind)
    )
    assert {key for key, count in first.items() if count > 1} == set()


@pytest.mark.parametrize(
    ("stream", "legal"), [("request_events", REQUEST_MOVES), ("issue_events", ISSUE_MOVES)], ids=["requests", "issues"]
)
def test_cases_go_from_state_to_state_as_they_may(
    stream: str, legal: dict[str, frozenset[str]], months: Months
) -> None:
    ways = months.ways(stream)
    assert len(ways) >= several(months, short=12, long=50)
    for case, way in ways.items():
        states = [event["to_status"] for event in way]
        assert [event["from_status"] for event in way] == [None, *states[:-1]], case
        assert all(to in legal[before] for before, to in pairwise(states)), (case, states)


def test_p1_requests_are_taken_up_delivered_and_closed_or_denied_with_a_reason(months: Months) -> None:
    ours = months.moves("request_events", US)
    assert ours["new", "accepted"] >= several(months, short=12, long=45)
    assert ours["in_progress", "delivered"] >= several(months, short=5, long=25)
    assert ours["confirmed", "closed"] >= several(months, short=2, long=15)
    assert ours["in_progress", "waiting_partner"] >= several(months, short=2, long=10)
    assert sum(count for (_, to), count in ours.items() if to == "denied") >= several(months, short=0, long=5)
    everybody = months.moves("request_events")
    assert everybody["waiting_partner", "in_progress"] >= several(months, short=1, long=6)
    assert everybody["delivered", "confirmed"] >= several(months, short=3, long=18)
    if months.days >= LONG:
        assert everybody["delivered", "reopened"] >= 1
        assert everybody["denied", "reopened"] >= 1
        assert sum(count for (_, to), count in everybody.items() if to == "cancelled") >= 3


def test_p1_a_denial_says_why(months: Months) -> None:
    said = defaultdict(list)
    for comment in months.feeds["comments"]:
        if comment["thread_type"] == "request" and comment["partner_id"] is None:
            said[comment["thread_id"]].append(comment)
    told = {body["details"]["request_id"] for body in months.notices("request_update") if body.get("details")}
    denied = [
        request
        for request, way in months.ways("request_events").items()
        if any(event["to_status"] == "denied" and event["actor"] == US for event in way)
    ]
    assert len(denied) >= several(months, short=0, long=5)
    for request in denied:
        public = [comment for comment in said[request] if comment["visibility"] == "public"]
        assert public or request in told, request


def test_p1_each_request_has_ended_or_waits_for_somebody(months: Months) -> None:
    under_way = {
        delivery["request_id"]
        for delivery in months.by_id("deliveries").values()
        if delivery["status"] in {"queued", "in_progress", "delivered"} or not months.is_old(delivery["status_at"], 2)
    }
    left_alone = []
    for request_id, way in months.ways("request_events").items():
        status = way[-1]["to_status"]
        is_fine = status in ENDED | WITH_THE_PARTNER or request_id in under_way
        if not is_fine and months.is_old(way[-1]["occurred_at"], 2):
            left_alone.append((request_id, [event["to_status"] for event in way]))
    assert left_alone == []


def test_p1_what_is_called_delivered_was_delivered_and_lived_then(months: Months) -> None:
    versions = months.current("asset_versions")
    arrived: dict[str, list[Record]] = defaultdict(list)
    for delivery in months.feeds["deliveries"]:
        if delivery["request_id"] is not None and delivery["status"] in {"delivered", "picked_up"}:
            arrived[delivery["request_id"]].append(delivery)
    moved = [
        (request, event)
        for request, way in months.ways("request_events").items()
        for event in way
        if event["to_status"] == "delivered" and event["actor"] == US
    ]
    assert moved
    for request, event in moved:
        deliveries = [d for d in arrived[request] if instant(d["status_at"]) <= instant(event["occurred_at"])]
        assert deliveries, request
        lived = [
            delivery
            for delivery in deliveries
            for version in [versions[delivery["asset_id"], delivery["version_no"]]]
            if version["approved_at"] is not None
            and instant(version["approved_at"]) <= instant(delivery["created_at"])
            and not (version["withdrawn_at"] and instant(version["withdrawn_at"]) <= instant(delivery["created_at"]))
        ]
        assert lived, request


def test_p1_what_fails_or_is_overtaken_is_delivered_again(months: Months) -> None:
    sent: dict[str, list[Record]] = defaultdict(list)
    for delivery in months.by_id("deliveries").values():
        if delivery["request_id"] is not None and delivery["external_key"] is not None:
            sent[delivery["request_id"]].append(delivery)
    failed = {request for request, all_ in sent.items() if any(one["status"] == "failed" for one in all_)}
    again = {request for request in failed if len(sent[request]) > 1}
    newer = {request for request, all_ in sent.items() if len({one["version_no"] for one in all_}) > 1}
    assert len(again | newer) >= several(months, short=1, long=4)
    if months.days >= LONG:
        assert again
        assert newer


def test_p2_first_versions_are_published_to_those_whom_they_concern(months: Months) -> None:
    notices = months.notices("publish")
    assert len(notices) >= several(months, short=10, long=60)
    assert len({body["asset_id"] for body in notices}) >= several(months, short=2, long=8)
    assert len(late_publications(months)) >= several(months, short=0, long=1), "its approval was seen late"
    for body in notices:
        asset, versions = months.vip_asset(body["asset_id"]), months.current("asset_versions")
        version = versions[asset, body["version_no"]]
        approved = [number for (other, number), one in versions.items() if other == asset and one["approved_at"]]
        barred = [number for number in approved if versions[asset, number]["restricted_regions"]]
        assert version["version_no"] in {min(approved), *barred, min(set(approved) - set(barred), default=0)}, asset
        assert version["file_name"] in body["body"] or version["file_name"] in str(body["details"])
        assert body["due_at"] is not None


def test_p3_issues_are_triaged_reviewed_replaced_and_told(months: Months) -> None:
    ours = months.moves("issue_events", US)
    assert ours["reported", "triaged"] >= several(months, short=8, long=40)
    assert ours["triaged", "in_review"] >= several(months, short=4, long=20)
    assert ours["triaged", "partner_notified"] >= several(months, short=1, long=4), "answered at once"
    assert ours["replacement_published", "partner_notified"] >= several(months, short=1, long=8)
    everybody = months.moves("issue_events")
    assert everybody["partner_notified", "confirmed"] >= several(months, short=1, long=10)
    if months.days >= LONG:
        assert ours["triaged", "duplicate"] >= 2
        assert sum(count for (_, to), count in ours.items() if to == "rejected") >= 2
        assert sum(count for (_, to), count in everybody.items() if to == "reopened") >= 2
        assert ours["replacement_approved", "in_review"] >= 1, "the replacement was taken back"


def test_p3_an_issue_in_review_has_its_review_or_shares_one_and_moves_with_it(months: Months) -> None:
    reviews = defaultdict(list)
    for review in months.by_id("reviews").values():
        reviews[review["asset_id"]].append(review)
    seen = 0
    for issue_id, way in months.ways("issue_events").items():
        issue, states = months.by_id("issues")[issue_id], [event["to_status"] for event in way]
        its = reviews[months.vip_asset(issue["asset_id"])]
        mine = [review for review in its if review["issue_id"] == issue_id]
        assert len(mine) <= 1 + states.count("reopened") + states.count("in_review"), issue_id
        begun = min((event["occurred_at"] for event in way if event["to_status"] == "in_review"), default=None)
        if begun is None or not months.is_old(begun, 3):
            continue
        seen += 1
        assert mine or any(instant(review["updated_at"]) >= instant(begun) for review in its), issue_id
        if states[-1] == "in_review" and months.is_old(way[-1]["occurred_at"], 3):
            waits = [review for review in its if review["status"] in {"open", "in_progress"}]
            assert waits or not all(months.is_old(review["updated_at"], 3) for review in its), issue_id
    assert seen >= several(months, short=3, long=20)


def test_p3_the_replacement_reaches_the_reporter_and_the_other_holders(months: Months) -> None:
    told = {
        (body["partner_id"], months.vip_asset(body["asset_id"]), body["version_no"])
        for kind in ("version_change", "issue_update", "publish")
        for body in months.notices(kind)
        if body.get("asset_id")
    }
    replaced = [
        (months.by_id("issues")[issue], event)
        for issue, way in months.ways("issue_events").items()
        for event in way
        if event["to_status"] == "partner_notified" and event["from_status"] == "replacement_published"
    ]
    assert replaced
    assets_told = {(partner, asset) for partner, asset, _ in told}
    for issue, _ in replaced:
        asset = months.vip_asset(issue["asset_id"])
        if issue["asset_id"] is not None:
            assert (issue["partner_id"], asset) in assets_told, issue["issue_id"]


def test_p4_changes_are_told_in_the_partners_language_with_what_to_do(months: Months) -> None:
    notices = months.notices("version_change")
    assert len(notices) >= several(months, short=40, long=200)
    assert {"en", "de", "es"} <= {body["language"][:2] for body in notices}
    for body in notices:
        assert str(body["version_no"]) in body["body"]
        assert body["due_at"] is not None


@pytest.mark.parametrize("language", ["de", "es"])
def test_who_is_spoken_to_in_its_language_is_so_in_every_sentence(language: str, months: Months) -> None:
    bodies = [write["body"] for write in months.sent("postNotice") if write["body"]["language"] == language]
    assert len(bodies) >= several(months, short=20, long=60)
    assert {line for body in bodies for line in english_lines(body["body"])} == set()


@pytest.mark.parametrize(("kind", "member"), [("withdrawal", "withdrawn_at"), ("expiry", "expires_at")])
def test_p4_whoever_held_a_version_that_ended_was_told(kind: str, member: str, months: Months) -> None:
    told = defaultdict(set)
    for notice in months.feeds["notices"]:
        if notice["kind"] == kind:
            told[months.vip_asset(notice["asset_id"]), notice["version_no"]].add(notice["partner_id"])
    partners, assets, copies = months.by_id("partners"), months.by_id("assets"), Copies(months)
    ended = 0
    for (asset, number), version in months.current("asset_versions").items():
        at = version[member] and instant(version[member])
        is_mine = at and months.began < at < months.ended - timedelta(days=3)
        if not is_mine or assets[asset]["deleted_at"] or (kind == "expiry" and version["withdrawn_at"]):
            continue
        holders = {
            partner
            for partner in copies.certain_holders(asset, number, at)
            if partners[partner]["status"] != "left" and partners[partner]["deleted_at"] is None
        }
        ended += bool(holders)
        since = {
            ack["partner_id"]
            for ack in months.feeds["acknowledgments"]
            if ack["kind"] == "completed"
            and months.vip_asset(ack["asset_id"]) == asset
            and instant(ack["occurred_at"]) > at
        }
        assert holders <= told[asset, number] | since, (asset, number, holders - told[asset, number] - since)
    assert ended >= several(months, short=0, long=2)


def test_p4_removals_are_attested_or_reminded_of(months: Months) -> None:
    removals = {n["notice_id"]: n for n in months.feeds["notices"] if n["kind"] in {"withdrawal", "expiry"}}
    ours = {notice for notice, record in removals.items() if record["external_key"] is not None}
    attested = {
        ack["notice_id"]
        for ack in months.feeds["acknowledgments"]
        if ack["kind"] == "completed" and ack["notice_id"] in ours
    }
    assert len(attested) >= several(months, short=3, long=15)
    assert months.notices("reminder")
    if months.days >= LONG:
        assert ours - attested, "and some are silent"


def test_p5_rules_are_published_as_vip_has_them_and_partners_are_told(months: Months) -> None:
    published = months.sent("publishAccessRules")
    assert len({write["subject_id"] for write in published}) >= several(months, short=1, long=3)
    assert len(months.notices("access_rules")) >= several(months, short=3, long=15)
    for group, rules in months.access_rules.items():
        granted = {
            (grant["object_id"], grant["effect"])
            for grant in months.by_id("grants").values()
            if grant["grantee_id"] == group and (not grant["valid_to"] or instant(grant["valid_to"]) > months.ended)
        }
        touched = [
            grant
            for grant in months.feeds["grants"]
            if grant["grantee_id"] == group
            and not (months.is_old(grant["updated_at"], 1.5) and months.is_settled(grant["valid_to"]))
        ]
        if not touched:
            told = {
                (months.vip_asset(rule["object_id"]), rule["effect"])
                for rule in rules["rules"]
                if not rule["restricted_regions"]
            }
            assert told == granted, group


def test_p6_packages_go_out_before_the_launch_and_are_confirmed(months: Months) -> None:
    notices = months.notices("launch_package")
    assert len({body["package_id"] for body in notices}) >= several(months, short=0, long=4)
    campaigns = {
        package["campaign_id"]: package["package_id"] for package in months.feeds["packages"] if package["campaign_id"]
    }
    invited = {(campaigns[row["campaign_id"]], row["partner_id"]) for row in months.feeds["campaign_partners"]}
    assert {(body["package_id"], body["partner_id"]) for body in notices} <= invited
    launched = {campaigns[key]: campaign for key, campaign in months.by_id("campaigns").items()}
    stopped = {package for package, campaign in launched.items() if campaign["status"] == "cancelled"}
    for write in months.sent("postNotice"):
        if write["body"]["kind"] == "launch_package" and write["body"]["package_id"] in stopped:
            campaign = launched[write["body"]["package_id"]]
            assert instant(write["at"]) <= instant(campaign["updated_at"]), "nothing goes out for a stopped launch"
    confirmed = {
        (campaigns[task["campaign_id"]], task["partner_id"])
        for task in months.by_id("campaign_tasks").values()
        if task["kind"] == "confirmation" and task["status"] == "done"
    }
    if months.days >= LONG:
        received = confirmed & {(body["package_id"], body["partner_id"]) for body in notices}
        assert len({package for package, _ in received}) >= 2
        assert stopped
        is_over = {package for package, campaign in launched.items() if campaign["status"] in {"launched", "closed"}}
        # Of the others some were launched without the desk's approval, and so without a package from us.
        assert len(is_over & {body["package_id"] for body in notices}) >= 2, "launched with their packages sent"


def test_p5_who_comes_late_is_told_in_one_what_it_should_have_and_does_not(months: Months) -> None:
    packs = gap_packs(months)
    assert len(packs) >= several(months, short=1, long=5)
    for body in packs:
        for line in body["details"]["missing"].splitlines():
            assert line.startswith(("- ", "…")), line
            assert line.endswith("…") or line.removeprefix("- ").partition(":")[0] in body["body"]


def test_p7_every_write_is_in_the_ledger_and_the_ledger_is_sound(months: Months) -> None:
    journal = months.terminal.rows("select distinct action_key from sync.actions where state = 'sent'")
    sent = {key for (key,) in journal}
    arrived = {write["idempotency_key"] for write in months.writes}
    assert arrived <= sent
    missing = {
        key
        for (key,) in months.terminal.rows(
            "select action_key from sync.actions where state = 'sent' and target_system in ('vip', 'trading_grid')"
        )
    } - arrived
    assert missing == set()


def test_what_people_decided_by_hand_stays(months: Months) -> None:
    by_hand = 0
    for stream, ends in (("request_events", {"denied", "cancelled"}), ("issue_events", {"rejected", "duplicate"})):
        for case, way in months.ways(stream).items():
            for before, after in zip(way, [*way[1:], None], strict=True):
                if before["actor"] in DESK and before["to_status"] in ends:
                    by_hand += 1
                    assert after is None or after["actor"] != US, (case, [event["to_status"] for event in way])
    assert by_hand >= several(months, short=1, long=4)


def test_no_partner_reads_an_internal_comment_or_another_partners_name(months: Months) -> None:
    asides = internal_comments(months)
    assert len(asides) >= several(months, short=3, long=12)
    outgoing = [write for write in months.writes if reader_of(months, write) is not None]
    assert len(outgoing) >= several(months, short=150, long=600)
    betrayed = {
        (write["operation"], write["subject_id"], name) for write in outgoing for name in strangers_named(months, write)
    }
    assert betrayed == set()
    assert [write["subject_id"] for write in months.writes if asides_quoted(write, asides)] == []
