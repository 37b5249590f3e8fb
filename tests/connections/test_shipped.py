"""The profiles shaped on public APIs, against small servers that behave as those APIs say of themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.connections.making import NOW, SECRET, Asked, Reply, Server, Tenant
from tests.rest.conftest import fast_retries

__all__ = ["fast_retries"]

CONNECTIONS = Path(__file__).parents[2] / "connections"


class Analytics:
    """Views and downloads by span of time, the next cursor in a header; it blocks without saying for how long."""

    def __init__(self) -> None:
        self.events: dict[str, list[dict[str, Any]]] = {"download": [], "view": []}
        self.refusals = 0

    def add(self, kind: str, number: int, at: datetime, **more: Any) -> None:
        event = {
            "eventId": f"{kind}-{number}",
            "eventType": kind,
            "dateTime": at.isoformat(),
            "userId": "U1",
            "assetId": "A1",
            "userName": "Ann Ominous",
            "userEmail": "ann@example.org",
            "downloadReasons": [{"reason": "print", "comment": "for Ann"}],
        }
        self.events[kind].append({**event, **more})

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {SECRET}":
            return Reply({}, status=401)
        if self.refusals:
            self.refusals -= 1
            return Reply({}, status=429)
        kind = asked.path.rpartition("/")[2]
        since = datetime.fromisoformat(asked.query.get("fromDateTime", "2000-01-01T00:00:00Z"))
        until = datetime.fromisoformat(asked.query["toDateTime"])
        found = [e for e in self.events[kind] if since <= datetime.fromisoformat(e["dateTime"]) < until]
        start = int(asked.query.get("cursor", "0"))
        more = {"Next-Cursor": str(start + 2)} if start + 2 < len(found) else {}
        return Reply(found[start : start + 2], headers=more)


def test_analytics_gives_downloads_and_views_and_what_came_days_late(tmp_path: Path) -> None:
    analytics = Analytics()
    for number in range(5):
        analytics.add("download", number, NOW - timedelta(hours=number + 1), channel="share" if number else None)
    analytics.add("view", 0, NOW - timedelta(hours=2))
    analytics.add("view", 1, NOW - timedelta(minutes=1))
    analytics.refusals = 1
    with Server(analytics) as server:
        tenant = Tenant(
            tmp_path,
            server.url,
            CONNECTIONS / "vip" / "bynder_analytics.yaml",
            system="downloads",
            streams=("access_events",),
            secrets={"token": SECRET},
        )
        with pytest.raises(Exception, match="pseudonym_key"):
            tenant.pull()
        own = tenant.settings.connections["downloads"]
        secrets = {"token": SECRET, "pseudonym_key": "k"}
        tenant.settings.connections["downloads"] = own.model_validate({**own.model_dump(), "secrets": secrets})
        tenant.pull_well()
        assert max(tenant.slept) == pytest.approx(300, abs=5)
        tenant.next_turn(timedelta(hours=6))
        analytics.add("download", 9, NOW - timedelta(days=2))
        tenant.pull_well()
    staged = tenant.rows("access_events")
    assert all(row["rejected_because"] is None for row in staged)
    kinds = {row["event_id"]: (row["event_type"], row["vector"]) for row in staged}
    assert kinds == {
        "download-0": ("downloaded", "direct"),
        **{f"download-{n}": ("downloaded", "share_link") for n in range(1, 5)},
        "download-9": ("downloaded", "direct"),
        "view-0": ("previewed", None),
        "view-1": ("previewed", None),
    }
    landed = str(tenant.landed("access_events"))
    assert "Ann" not in landed
    assert "ann@example.org" not in landed
    current = tenant.ask("core.access_events", "event_id")
    assert len(current) == len(kinds)
    assert tenant.entry("access_events")["watermark"] == "2026-03-02T13:55:00.000000Z"


class Events:
    """One feed with a position; answers may be short, events come twice, old positions are forgotten."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.forgets_once: int | None = None

    def add(self, number: int, kind: str = "DOWNLOAD", **more: Any) -> None:
        self.events.append(
            {
                "event_id": f"E{number}",
                "event_type": kind,
                "created_at": "2026-03-01T00:00:00-08:00",
                "created_by": {"id": "U1", "login": "ann@example.org", "name": "Ann"},
                "source": {"item_type": "file", "item_id": "7"},
                "additional_details": {"size": 12, "version_no": "3"},
                "ip_address": "10.0.0.1",
                **more,
            }
        )

    def __call__(self, asked: Asked) -> Reply | Any:
        if asked.path == "/oauth2/token":
            form = {"grant_type": "client_credentials", "client_id": "us", "client_secret": SECRET}
            return {"access_token": "t", "expires_in": 3600} if asked.form == form else Reply({}, status=400)
        start = int(asked.query["stream_position"])
        if start == self.forgets_once:
            self.forgets_once = None
            return Reply({"code": "invalid_stream_position"}, status=400)
        found = self.events[start : start + (1 if start % 2 else 3)]
        return {"chunk_size": len(found), "next_stream_position": start + len(found), "entries": found}


def test_a_feed_with_positions_is_read_to_its_end_though_its_answers_are_short(tmp_path: Path) -> None:
    events = Events()
    for number in range(6):
        events.add(number)
    events.add(3)
    events.add(6, "UPLOAD")
    with Server(events) as server:
        tenant = Tenant(
            tmp_path,
            server.url,
            CONNECTIONS / "vip" / "box_events.yaml",
            system="events",
            streams=("access_events",),
            secrets={"client_id": "us", "client_secret": SECRET, "pseudonym_key": "k"},
        )
        tenant.pull_well()
        tenant.next_turn()
        events.add(7, "PREVIEW")
        tenant.pull_well()
        tenant.next_turn()
        events.forgets_once = len(events.events)
        tenant.pull_well()
    assert tenant.pages("access_events", turn=3)[0]["cursor_in"] is None
    current = tenant.ask("core.access_events", "event_id, event_type, asset_id, version_no, bytes")
    assert [row["event_id"] for row in current] == ["E0", "E1", "E2", "E3", "E4", "E5", "E7"]
    assert current[-1] == {
        "event_id": "E7",
        "event_type": "previewed",
        "asset_id": "file-7",
        "version_no": 3,
        "bytes": 12,
    }
    balance = tenant.ask("ops.pages", "sum(duplicates) as duplicates, bool_and(is_balanced) as is_balanced")
    assert balance[0]["is_balanced"] is True
    assert balance[0]["duplicates"] == 1 + 8
    landed = str(tenant.landed("access_events"))
    assert "10.0.0.1" not in landed
    assert "ann@example.org" not in landed


class Desk:
    """Tickets by a start in epoch seconds, then by cursor; the last minute is withheld, ten requests a minute."""

    def __init__(self) -> None:
        self.now = NOW
        self.tickets: list[dict[str, Any]] = []

    def put(self, number: int, status: str, written_at: datetime, **fields: Any) -> None:
        self.tickets = [ticket for ticket in self.tickets if ticket["id"] != number]
        custom = {900001: "A1", 900002: "v2", 900003: "old_file", **{int(k[1:]): v for k, v in fields.items()}}
        self.tickets.append(
            {
                "id": number,
                "organization_id": 20,
                "status": status,
                "priority": "high",
                "subject": "It is old",
                "created_at": "2026-02-01T00:00:00Z",
                "updated_at": written_at.isoformat(),
                "generated_timestamp": int(written_at.timestamp()),
                "custom_fields": [{"id": key, "value": value} for key, value in custom.items()],
                "via": {"source": {"from": {"address": "ann@example.org", "name": "Ann"}}},
            }
        )

    def __call__(self, asked: Asked) -> Reply | Any:
        if asked.basic != f"us/token:{SECRET}":
            return Reply({}, status=401)
        since, _, start = asked.query.get("cursor", f"{asked.query['start_time']}|0").partition("|")
        until = (self.now - timedelta(minutes=1)).timestamp()
        found = [t for t in self.tickets if int(since) <= t["generated_timestamp"] <= until]
        page = found[int(start) : int(start) + 2]
        is_end = int(start) + 2 >= len(found)
        return {"tickets": page, "after_cursor": f"{since}|{int(start) + len(page)}", "end_of_stream": is_end}


def test_an_incremental_export_is_read_within_its_budget_and_loses_no_withheld_ticket(tmp_path: Path) -> None:
    desk = Desk()
    for number in range(7):
        desk.put(number, "open", NOW - timedelta(days=1) + timedelta(minutes=number))
    desk.put(8, "new", NOW - timedelta(seconds=30))
    desk.put(9, "new", NOW - timedelta(days=1), f900001=None)
    desk.put(10, "hold", NOW - timedelta(days=1), f900002="second")
    with Server(desk) as server:
        tenant = Tenant(
            tmp_path,
            server.url,
            CONNECTIONS / "trading_grid" / "zendesk_incremental.yaml",
            system="issues",
            streams=("issues",),
            secrets={"username": "us/token", "password": SECRET, "pseudonym_key": "k"},
        )
        tenant.pull_well()
        first = {row["issue_id"] for row in tenant.rows("issues")}
        tenant.next_turn(timedelta(minutes=10))
        desk.now = tenant.now
        desk.put(0, "solved", NOW + timedelta(minutes=5))
        tenant.pull_well()
    assert "8" not in first
    assert "9" not in first
    staged = {(row["issue_id"], row["status"]): row for row in tenant.rows("issues")}
    assert ("8", "reported") in staged
    assert ("0", "triaged") in staged
    assert ("0", "partner_notified") in staged
    assert staged[("10", "in_review")]["rejected_because"] == "version_no is not a whole number"
    one = staged[("1", "triaged")]
    assert (one["partner_id"], one["asset_id"], one["version_no"], one["category"]) == ("20", "A1", 2, "outdated")
    assert min(tenant.slept) > 0
    assert sum(tenant.slept) >= len(server.asked) - 2
    assert server.queries()[0]["start_time"] == str(int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()))
    assert tenant.entry("issues")["watermark"] == "2026-03-02T08:09:00.000000Z"
    assert "ann@example.org" not in str(tenant.landed("issues"))
