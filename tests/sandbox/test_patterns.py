"""Two months in which a plain desk does its work: every pattern begins, goes on and ends, happily or not."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from sandbox.instants import DAY, parse, utc
from tests.sandbox.conftest import Sandbox, running

Items = list[dict[str, Any]]
DAYS = 60
THREADS = ("request", "issue", "campaign", "asset")


@dataclass
class Months:
    """What was to be read after two months, and when they began."""

    sandbox: Sandbox
    began: str
    feeds: dict[str, Items] = field(default_factory=dict)

    def new(self, stream: str) -> Items:
        """Give what a feed has brought since."""
        if stream not in self.feeds:
            system = self.sandbox.vip if stream in VIP else self.sandbox.trading_grid
            self.feeds[stream] = system.all(stream, changed_since=self.began)
        return self.feeds[stream]

    def events(self, stream: str, member: str) -> dict[str, Items]:
        """Give the events of cases by their case, as they came."""
        found: dict[str, Items] = defaultdict(list)
        for event in self.new(stream):
            found[event[member]].append(event)
        return found


VIP = {"assets", "asset_versions", "segments", "grants", "package_items", "deliveries", "reviews"}
MOVES = {"new": "accepted", "accepted": "in_progress", "reopened": "in_progress"}


class PlainDesk:
    """Does at once what any desk would do: asks back, delivers, denies a few, opens reviews."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.asked: dict[str, list[str]] = {}
        self.mark = sandbox.vip.desk("clock")["now"]
        self.sent: set[tuple[str, str]] = set()

    def work(self, day: int) -> None:
        """Do a day's work."""
        for stream, move in (("requests", self._request), ("issues", self._issue)):
            member = stream.removesuffix("s") + "_id"
            changed = self.sandbox.trading_grid.all(stream, changed_since=self.mark)
            for case_id in sorted({case[member] for case in changed}):
                move(case_id, self.sandbox.trading_grid.get(f"/v1/{stream}/{case_id}").json(), day)

    def _request(self, request: str, now: dict[str, Any], day: int) -> None:
        status = now["status"]
        if status in {"new", "accepted", "reopened"}:
            self._move("requests", request, MOVES[status])
        elif status == "in_progress" and now["asset_id"] is None and request not in self.asked:
            self.asked[request] = ["AS-00001", "AS-00002", "AS-00003"]
            text = "Which one: " + ", ".join(self.asked[request]) + "?"
            self._move("requests", request, "waiting_partner", text)
        elif status == "in_progress" and day % 7 == 3:
            self._move("requests", request, "denied", "Not cleared for your region.")
        elif status == "in_progress" and (request, "sent") not in self.sent:
            self._deliver(request, now)
        elif status == "in_progress":
            self._move("requests", request, "delivered")

    def _deliver(self, request: str, now: dict[str, Any]) -> None:
        self.sent.add((request, "sent"))
        xref = {row["trading_grid_id"]: row["vip_id"] for row in self.sandbox.trading_grid.all("xref")}
        expires = utc(parse(self.sandbox.vip.desk("clock")["now"]) + 3 * DAY)
        body = {
            "partner_id": xref.get(now["partner_id"], now["partner_id"]), "asset_id": "AS-00001", "version_no": 1,
            "channel": "portal", "request_id": request, "external_key": f"sent-{request}", "expires_at": expires,
        }  # fmt: skip
        assert self.sandbox.vip.write("POST", "/v1/deliveries", body, f"sent-{request}").status_code in {201, 422}

    def _issue(self, issue: str, now: dict[str, Any], day: int) -> None:
        status = now["status"]
        if status in {"reported", "reopened"}:
            self._move("issues", issue, "triaged")
        elif status == "triaged" and now["asset_id"] is not None:
            self._move("issues", issue, "in_review")
            body = {"asset_id": now["asset_id"], "issue_id": issue, "reason": "complaint"}
            self.sandbox.vip.write("POST", "/v1/reviews", body, f"review-{issue}-{day}")
        elif status == "in_review" and day % 9 == 4:
            self._move("issues", issue, "rejected", "The file is right.")

    def _move(self, stream: str, case: str, to: str, comment: str | None = None) -> None:
        body = {"to_status": to, "comment": comment}
        assert self.sandbox.trading_grid.write("PATCH", f"/v1/{stream}/{case}", body).status_code == 200


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainDesk]:
    with running(tmp_path_factory.mktemp("months"), "--rate-limit", "1000000") as sandbox:
        yield PlainDesk(sandbox)


@pytest.fixture(scope="module")
def months(desk: PlainDesk) -> Months:
    """Live and work for two months."""
    sandbox = desk.sandbox
    for day in range(DAYS):
        sandbox.advance(days=1)
        desk.work(day)
    return Months(sandbox, desk.mark)


def _ways(months: Months, stream: str) -> Counter[tuple[str | None, str]]:
    return Counter((event["from_status"], event["to_status"]) for event in months.new(stream))


def test_partners_ask_in_every_way_and_requests_end_in_every_way(months: Months) -> None:
    asked = [request for request in months.new("requests") if request["status"] == "new"]
    assert sum(request["asset_id"] is not None for request in asked) > 20
    assert sum(request["asset_query"] is not None for request in asked) > 20
    moves = _ways(months, "request_events")
    for way in (
        (None, "new"),
        ("in_progress", "waiting_partner"),
        ("waiting_partner", "in_progress"),
        ("delivered", "confirmed"),
        ("delivered", "reopened"),
        ("in_progress", "denied"),
        ("denied", "reopened"),
    ):
        assert moves[way] >= 1, way
    assert sum(count for (_, to), count in moves.items() if to == "cancelled") >= 3
    late = [r for r in asked if r["needed_by"] and parse(r["needed_by"]) < parse(r["created_at"]) + 3 * DAY]
    assert late, "some cannot wait"


def test_whoever_is_asked_back_names_one_of_the_listed_assets_in_a_comment(months: Months, desk: PlainDesk) -> None:
    events = months.events("request_events", "request_id")
    said = defaultdict(list)
    for comment in months.new("comments"):
        if comment["thread_type"] == "request" and comment["partner_id"] is not None:
            said[comment["thread_id"]].append(comment["body"])
    titles = {item["asset_id"]: item["title"] for item in months.sandbox.vip.all("assets")}
    answered = [
        request
        for request in desk.asked
        if any(e["from_status"] == "waiting_partner" and e["to_status"] == "in_progress" for e in events[request])
    ]
    assert len(answered) > 15
    assert all(said[request] for request in answered)
    named = [
        request
        for request in answered
        if any(asset in body or titles[asset] in body for body in said[request] for asset in desk.asked[request])
    ]
    assert 0.6 * len(answered) < len(named) < len(answered), "and a few name none"


def test_deliveries_for_requests_arrive_fail_expire_and_are_overtaken(months: Months) -> None:
    mine: dict[str, Items] = defaultdict(list)
    for delivery in months.new("deliveries"):
        if delivery["external_key"] is not None:
            mine[delivery["delivery_id"]].append(delivery)
    ends = Counter(status for way in mine.values() for status in {delivery["status"] for delivery in way})
    assert ends["picked_up"] > 10
    assert ends["failed"] >= 1
    expired = [delivery for way in mine.values() for delivery in way if delivery["status"] == "expired"]
    assert expired
    assert all(parse(d["status_at"]) < parse(d["created_at"]) + 4 * DAY for d in expired), "when its time was over"
    under_way = [
        (way[0]["created_at"], max(d["status_at"] for d in way if d["status"] == "delivered"))
        for way in mine.values()
        if any(d["status"] == "delivered" for d in way)
    ]
    approvals = [v["approved_at"] for v in months.new("asset_versions") if v["asset_id"] == "AS-00001"]
    assert any(begin < approved < end for begin, end in under_way for approved in approvals if approved)


def test_partners_complain_of_everything_again_and_together(months: Months) -> None:
    reported = [issue for issue in months.new("issues") if issue["status"] == "reported"]
    counts = Counter(issue["category"] for issue in reported)
    assert set(counts) == {"missing", "outdated", "wrong_format", "wrong_territory", "corrupt", "other"}
    again = Counter(
        (i["partner_id"], i["asset_id"], i["category"]) for i in {r["issue_id"]: r for r in reported}.values()
    )
    assert max(again.values()) >= 2
    together: dict[tuple[str, str], set[str]] = defaultdict(set)
    for issue in reported:
        together[issue["asset_id"], issue["category"]].add(issue["partner_id"])
    assert any(len(partners) > 1 for (asset, _), partners in together.items() if asset)
    moves = _ways(months, "issue_events")
    assert moves["rejected", "reopened"] >= 1


def test_reviews_end_in_every_way_and_a_replacement_may_be_taken_back_before_it_lives(months: Months) -> None:
    mine: dict[str, Items] = defaultdict(list)
    for review in months.new("reviews"):
        if review["reason"] == "complaint" or review["review_id"] in mine:
            mine[review["review_id"]].append(review)
    ways = Counter(tuple(dict.fromkeys(edition["status"] for edition in way)) for way in mine.values())
    states = {status for way in ways for status in way}
    assert states >= {"open", "in_progress", "replacement_approved", "closed"}
    assert any("closed" in way and "replacement_approved" not in way and "rejected" not in way for way in ways)
    replacements = {(r["asset_id"], r["replacement_version_no"]) for way in mine.values() for r in way}
    taken_back = [
        version
        for version in months.new("asset_versions")
        if (version["asset_id"], version["version_no"]) in replacements
        and version["withdrawn_at"]
        and version["effective_local"]
        and version["withdrawn_at"][:10] < version["effective_local"][:10]
    ]
    assert taken_back


def test_first_versions_come_and_some_approvals_are_recorded_a_week_late(months: Months) -> None:
    first = [v for v in months.new("asset_versions") if v["version_no"] == 1 and v["approval_status"] == "approved"]
    assert len({version["asset_id"] for version in first}) >= 8
    assert [v for v in first if parse(v["approved_at"]) < parse(v["updated_at"]) - 7 * DAY]
    assert {v["effective_policy"] for v in months.new("asset_versions")} == {
        "instant", "publisher_local", "partner_local",
    }  # fmt: skip
    assert len({v["asset_id"] for v in months.new("asset_versions") if v["withdrawn_at"]}) >= 3


def test_rights_groups_and_partners_change_and_the_two_systems_drift_apart(months: Months) -> None:
    grants = [grant for grant in months.new("grants") if grant["object_type"] != "package"]
    assert len({grant["grant_id"] for grant in grants}) >= 10
    assert [grant for grant in grants if grant["valid_from"] < months.began], "older ones are changed"
    assert [grant for grant in grants if grant["valid_to"] and grant["valid_to"] <= grant["updated_at"]], "or end"
    assert [grant for grant in grants if grant["valid_to"] and grant["valid_to"] > grant["updated_at"]], "or will"
    assert {"allow", "deny"} == {grant["effect"] for grant in grants}
    members = months.new("group_members")
    assert [member for member in members if member["left_at"]]
    assert [member for member in members if not member["left_at"]]
    groups = {group["group_id"] for group in months.sandbox.trading_grid.all("partner_groups")}
    assert [grant for grant in grants if grant["grantee_type"] == "partner_group" and grant["grantee_id"] not in groups]
    assert months.new("segments")
    assert [group for group in months.new("partner_groups") if group["value"].endswith("(new)")]
    newcomers = {p["partner_id"] for p in months.new("partners")} - {f"P-{1001 + n}" for n in range(60)}
    assert len(newcomers) >= 2


def test_campaigns_are_launched_in_several_zones_upset_late_and_stopped(months: Months) -> None:
    campaigns = months.new("campaigns")
    states = Counter(campaign["status"] for campaign in campaigns)
    assert states["launched"] >= 3
    assert states["cancelled"] >= 1
    assert "partner_local" in {campaign["launch_policy"] for campaign in campaigns}
    tasks = months.new("campaign_tasks")
    assert {"approval", "readiness", "confirmation"} == {task["kind"] for task in tasks}
    assert {"open", "done", "blocked", "waived"} <= {task["status"] for task in tasks}
    assert months.new("package_items")


def test_people_go_on_moving_cases_by_hand(months: Months) -> None:
    people = {"m.ostrowski", "j.fairweather", "r.delacroix", "s.lindqvist"}
    by_hand = Counter(e["to_status"] for e in months.new("request_events") if e["actor"] in people)
    assert by_hand["denied"] >= 1
    assert [event for event in months.new("issue_events") if event["actor"] in people]


@pytest.mark.parametrize("thread", THREADS)
def test_asides_that_name_another_partner_are_on_every_kind_of_thread(thread: str, months: Months) -> None:
    names = {partner["name"] for partner in months.sandbox.trading_grid.all("partners")}
    asides = [c for c in months.new("comments") if c["thread_type"] == thread and c["visibility"] == "internal"]
    assert [aside for aside in asides if any(name in aside["body"] for name in names)]


@pytest.mark.usefixtures("months")
def test_every_write_is_on_record_with_its_body_and_every_refusal(desk: PlainDesk) -> None:
    refused = desk.sandbox.trading_grid.write("PATCH", "/v1/requests/RQ-nobody", {"to_status": "accepted"})
    assert refused.status_code == 404
    book = desk.sandbox.vip.desk("writes")
    assert book == desk.sandbox.trading_grid.desk("writes")
    counts = Counter(entry["operation"] for entry in book["writes"])
    assert counts == desk.sandbox.vip.desk("received")["effects"]
    asked = [entry for entry in book["writes"] if entry["body"].get("to_status") == "waiting_partner"]
    assert {entry["subject_id"] for entry in asked} == desk.asked.keys()
    assert (book["refused"][-1]["path"], book["refused"][-1]["status"]) == ("RQ-nobody", 404)
