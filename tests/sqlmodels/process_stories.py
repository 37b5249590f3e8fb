"""Four processes told by hand: requests, a withdrawal, exceptions, a launch; computed once for all who look at them.

The working time is Berlin's, 09:00 to 17:00 from Monday to Friday without Germany's holidays: 08:00Z to 16:00Z until
the clocks change on 29 March 2026, 07:00Z to 15:00Z afterwards; Good Friday is 3 April, Easter Monday 6 April.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipeline.settings import Policies
from tests.reference.given import Story
from tests.tables import Tables, files_settings, open_tables

NOW: Final = datetime(2026, 4, 15, 12, tzinfo=UTC)
TARGETS: Final = (
    "marts.kpi_processes",
    "marts.withdrawal_effectiveness",
    "marts.campaign_gates",
    "marts.exception_assets",
    "audit.campaign_conditions",
    "freshness.evidence",
)
BERLIN: Final = {"zone": "Europe/Berlin", "country": "DE"}


def write(story: Story, folder: Path) -> None:
    for arrival in story.arrivals:
        path = folder / arrival.stream / "told.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(arrival.record) + "\n")


def request(story: Story, request_id: str, partner: str, asset: str, *steps: tuple[str, str]) -> None:
    """Tell of a request created at its first step, and of its steps as (to_status, when)."""
    created = steps[0][1]
    story.add(
        "requests",
        {
            "request_id": request_id,
            "partner_id": partner,
            "asset_id": asset,
            "status": steps[-1][0],
            "created_at": created,
            "updated_at": steps[-1][1],
        },
    )
    for place, (status, at) in enumerate(steps):
        step = {"event_id": f"{request_id}-{place}", "request_id": request_id, "to_status": status, "occurred_at": at}
        story.add("request_events", step)


def issue(story: Story, issue_id: str, subject: tuple[str, str, int | None], *steps: tuple[str, str]) -> None:
    partner, asset, version = subject
    story.add(
        "issues",
        {
            "issue_id": issue_id,
            "partner_id": partner,
            "asset_id": asset,
            "version_no": version,
            "category": "corrupt",
            "status": steps[-1][0],
            "created_at": steps[0][1],
            "updated_at": steps[-1][1],
        },
    )
    for place, (status, at) in enumerate(steps):
        step = {"event_id": f"{issue_id}-{place}", "issue_id": issue_id, "to_status": status, "occurred_at": at}
        story.add("issue_events", step)


def notice(story: Story, kind: str, partner: str, at: str, **subject: object) -> None:
    record = {"notice_id": f"n-{kind}-{partner}-{at}", "kind": kind, "partner_id": partner, "posted_at": at}
    story.add("notices", {**record, **subject})


def day_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def answer(story: Story, partner: str, kind: str, at: str, **fields: object) -> None:
    subject = {"partner_id": partner, "asset_id": "w1", "version_no": 1, "kind": kind, **fields}
    story.acknowledge(0, **subject, occurred_at=at, recorded_at=at)


def tell_requests(story: Story) -> None:
    for number in range(1, 8):
        story.asset(asset_id=f"r{number}", brand="Alder" if number < 3 else "Birch", classification="standard")
    request(
        story, "over-dst", "p1", "r1", ("new", "2026-03-26T14:00:00Z"), ("accepted", "2026-03-27T09:00:00Z"),
        ("delivered", "2026-03-30T09:00:00Z"), ("confirmed", "2026-03-31T09:00:00Z"),
    )  # fmt: skip
    request(
        story, "paused", "p1", "r2", ("new", "2026-04-02T06:00:00Z"), ("waiting_partner", "2026-04-02T13:00:00Z"),
        ("in_progress", "2026-04-07T10:00:00Z"), ("delivered", "2026-04-07T12:00:00Z"),
    )  # fmt: skip
    request(story, "over-easter", "p2", "r2", ("new", "2026-04-02T14:00:00Z"), ("delivered", "2026-04-07T08:00:00Z"))
    request(story, "open", "p2", "r3", ("new", "2026-04-14T13:00:00Z"), ("accepted", "2026-04-15T08:00:00Z"))
    request(story, "denied", "p2", "r3", ("new", "2026-04-10T08:00:00Z"), ("denied", "2026-04-13T08:00:00Z"))
    request(story, "later", "p2", "r3", ("new", "2026-04-15T12:00:00.000001Z"))
    silent = {"request_id": "no-steps", "partner_id": "p1", "asset_id": "r3", "status": "new"}
    story.add("requests", {**silent, "created_at": "2026-04-15T09:00:00Z", "updated_at": "2026-04-15T09:00:00Z"})
    delivered = (("new", "2026-03-09T08:00:00Z"), ("delivered", "2026-03-10T08:00:00Z"))
    request(story, "complained", "p1", "r4", *delivered)
    issue(
        story,
        "i-complaint",
        ("p1", "r4", None),
        ("reported", "2026-03-20T08:00:00Z"),
        ("rejected", "2026-03-23T08:00:00Z"),
    )
    request(story, "reopened", "p1", "r5", *delivered, ("reopened", "2026-03-12T08:00:00Z"))
    request(story, "late-complaint", "p2", "r6", *delivered)
    issue(
        story, "i-late", ("p2", "r6", None), ("reported", "2026-03-24T08:00:00Z"), ("duplicate", "2026-03-25T08:00:00Z")
    )
    request(story, "others-complaint", "p1", "r6", *delivered)


def tell_withdrawal(story: Story) -> None:
    story.asset(asset_id="w1", brand="Cedar", classification="regulated")
    story.version(1, day_of("2026-01-01T00:00:00Z"), asset_id="w1", withdrawn_at="2026-03-02T00:00:00Z")
    story.version(2, day_of("2026-03-01T00:00:00Z"), asset_id="w1")
    for partner in ("h1", "h2", "h3", "h4", "h5", "h6", "h7"):
        story.partner(partner, region="FR" if partner < "h4" else "DE", tier="gold")
        at = "2026-03-05T00:00:00Z" if partner == "h7" else "2026-02-01T00:00:00Z"
        story.download(1, day_of(at), partner_id=partner, asset_id="w1")
    for partner in ("h1", "h2", "h3", "h5"):
        notice(story, "withdrawal", partner, "2026-03-02T01:00:00Z", asset_id="w1", version_no=1)
    answer(story, "h6", "completed", "2026-02-20T00:00:00Z", version_no=None)
    answer(story, "h1", "completed", "2026-03-04T00:00:00Z")
    answer(story, "h2", "completed", "2026-03-10T00:00:00Z")
    story.download(1, day_of("2026-03-12T00:00:00Z"), partner_id="h2", asset_id="w1")
    answer(story, "h5", "read", "2026-03-03T00:00:00Z")
    answer(story, "h3", "auto", "2026-03-03T00:00:00Z")
    story.download(2, day_of("2026-03-06T00:00:00Z"), partner_id="h4", asset_id="w1")
    story.download(2, day_of("2026-03-09T00:00:00Z"), partner_id="h5", asset_id="w1")
    story.download(1, day_of("2026-02-15T00:00:00Z"), partner_id=None, asset_id="w1")
    story.download(1, day_of("2026-03-15T00:00:00Z"), partner_id="nobody", asset_id="w1")
    story.download(1, day_of("2026-03-20T00:00:00Z"), partner_id="h3", asset_id="w1", event_type="opened")
    story.download(1, day_of("2026-03-21T00:00:00Z"), partner_id="h3", asset_id="w1", event_type="denied")


def tell_exceptions(story: Story) -> None:
    story.asset(asset_id="x1", brand="Cedar", classification="standard")
    story.version(1, day_of("2026-01-01T00:00:00Z"), asset_id="x1")
    story.version(2, day_of("2026-03-11T09:00:00Z"), asset_id="x1")
    for partner in ("i1", "i2", "i3", "i4"):
        story.partner(partner, region="DE")
        story.download(1, day_of("2026-02-01T00:00:00Z"), partner_id=partner, asset_id="x1")
    answer(story, "i4", "completed", "2026-02-20T00:00:00Z", asset_id="x1", version_no=None)
    issue(
        story, "mended", ("i1", "x1", 1), ("reported", "2026-03-09T08:00:00Z"), ("triaged", "2026-03-09T12:00:00Z"),
        ("in_review", "2026-03-09T13:00:00Z"), ("replacement_approved", "2026-03-11T09:00:00Z"),
        ("replacement_published", "2026-03-11T10:00:00Z"), ("partner_notified", "2026-03-11T11:00:00Z"),
        ("confirmed", "2026-03-12T08:00:00Z"),
    )  # fmt: skip
    story.download(2, day_of("2026-03-12T07:00:00Z"), partner_id="i1", asset_id="x1")
    notice(story, "version_change", "i2", "2026-03-11T12:00:00Z", asset_id="x1", version_no=2)
    issue(
        story, "answered", ("i2", "x1", None), ("reported", "2026-03-09T08:00:00Z"),
        ("partner_notified", "2026-03-09T09:00:00Z"), ("reopened", "2026-03-10T09:00:00Z"),
        ("confirmed", "2026-03-10T10:00:00Z"),
    )  # fmt: skip
    issue(story, "untouched", ("i2", "x1", None), ("reported", "2026-04-14T07:00:00Z"))
    issue(story, "twin", ("i3", "x1", 1), ("reported", "2026-03-13T15:00:00Z"), ("duplicate", "2026-03-16T09:00:00Z"))


def tell_campaign(story: Story) -> None:
    zones = {"k1": "Asia/Tokyo", "k5": "Asia/Tokyo"}
    for partner in ("k1", "k2", "k3", "k4", "k5", "k6"):
        more = {"status": "left", "left_at": "2026-04-01T00:00:00Z"} if partner == "k6" else {}
        region = "CN" if partner == "k4" else "US-NY"
        story.partner(partner, region=region, timezone=zones.get(partner, "America/New_York"), **more)
        story.add("campaign_partners", {"campaign_id": "spring", "partner_id": partner, "required": True})
        for asset in ("c1", "c2"):
            story.grant(grantee_id=partner, object_id=asset)
    for asset in ("c1", "c2", "c3"):
        story.asset(asset_id=asset, brand="Dogwood", classification="standard")
        item = {"package_id": "kit", "asset_id": asset, "required": asset != "c3", "sequence": 1}
        story.add("package_items", item)
    story.version(1, day_of("2026-01-01T00:00:00Z"), asset_id="c1")
    story.version(2, day_of("2026-03-01T00:00:00Z"), asset_id="c1", effective_local="2026-05-01T00:00:00")
    story.version(1, day_of("2026-01-01T00:00:00Z"), asset_id="c2", restricted_regions=["CN"])
    kit = {"package_id": "kit", "campaign_id": "spring", "updated_at": "2026-01-01T00:00:00Z"}
    story.add("packages", kit)
    story.add(
        "campaigns",
        {
            "campaign_id": "spring",
            "name": "Spring",
            "brand": "Dogwood",
            "launch_local": "2026-05-01T00:00:00",
            "launch_policy": "partner_local",
            "status": "ready",
            "gate_percent": 50,
            "required_rung": 4,
            "updated_at": "2026-01-01T00:00:00Z",
        },
    )
    waived = {"task_id": "t1", "campaign_id": "spring", "partner_id": "k5", "kind": "readiness", "status": "waived"}
    story.add("campaign_tasks", {**waived, "updated_at": "2026-01-01T00:00:00Z"})
    for partner, asset, version, at in (
        ("k1", "c1", 1, "2026-02-01T00:00:00Z"),
        ("k1", "c2", 1, "2026-02-01T00:00:00Z"),
        ("k2", "c1", 1, "2026-02-01T00:00:00Z"),
        ("k2", "c2", 1, "2026-02-01T00:00:00Z"),
        ("k3", "c1", 1, "2026-03-15T00:00:00Z"),
    ):
        story.download(version, day_of(at), partner_id=partner, asset_id=asset)
    for partner, at in (("k1", "2026-01-30T00:00:00Z"), ("k3", "2026-04-14T12:00:00Z")):
        parcel = {"partner_id": partner, "asset_id": "c2", "channel": "portal", "status_at": at, "updated_at": at}
        story.deliver(f"d-{partner}", 1, 0, **parcel)


@contextmanager
def processes(folder: Path, as_of: datetime = NOW) -> Iterator[Tables]:
    """All four stories, all of them known, as tables as of an instant."""
    story = Story()
    story.partner("p2", region="DE", tier="gold")
    for tell in (tell_requests, tell_withdrawal, tell_exceptions, tell_campaign):
        tell(story)
    write(story, folder / "source")
    settings = files_settings(folder / "source", policies=Policies.model_validate({"calendar": BERLIN}))
    with open_tables(folder, settings) as opened:
        opened.compute(opened.pull(NOW), as_of, TARGETS)
        yield opened
