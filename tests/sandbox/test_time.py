"""The sandbox's time: the same seed gives the same bytes, however the clock is moved, and whoever restarts it."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import instants
from sandbox.dice import Dice
from tests.sandbox.conftest import Sandbox, Starter, running

SMALL = ("--history-days", "24")


def _writes(sandbox: Sandbox) -> None:
    """Do what a client may do: notices about what partners hold, a delivery, a review, a move."""
    versions = {v["asset_id"]: v for v in sandbox.vip.all("asset_versions") if v["approval_status"] == "approved"}
    partners = [partner["partner_id"] for partner in sandbox.trading_grid.page("partners", limit=30)["items"]]
    strange = {row["vip_id"] for row in sandbox.trading_grid.all("xref") if row["entity"] == "asset"}
    known = [version for version in versions.values() if version["asset_id"] not in strange]
    for number, (partner, version) in enumerate(zip(partners, known, strict=False)):
        about = {"asset_id": version["asset_id"], "version_no": version["version_no"], "partner_id": partner}
        kind = ("version_change", "withdrawal", "reminder")[number % 3]
        body = about | {"external_key": f"time-{number}", "kind": kind, "subject": "News", "body": "Please look."}
        assert sandbox.trading_grid.write("POST", "/v1/notices", body, f"key-time-{number}").status_code in {201, 422}
    asset = known[0]["asset_id"]
    assert sandbox.vip.write("POST", "/v1/reviews", {"asset_id": asset}, "key-time-review").status_code == 201


def test_the_same_seed_gives_the_same_bytes_and_ten_steps_are_one(fresh: Starter) -> None:
    at_once, in_steps = fresh("a", *SMALL), fresh("b", *SMALL)
    assert at_once.whole() == in_steps.whole()
    for one in (at_once, in_steps):
        _writes(one)
    at_once.advance(days=10)
    for hours in (1, 23, 24, 7, 65, 48, 2, 22, 47, 1):
        in_steps.advance(hours=hours)
    first, second = at_once.whole(), in_steps.whole()
    assert [stream for stream in first if first[stream] != second[stream]] == []


def test_another_seed_gives_another_network(fresh: Starter) -> None:
    one, other = fresh("a", "--history-days", "5"), fresh("b", "--history-days", "5", "--seed", "8")
    assert one.trading_grid.all("partners") != other.trading_grid.all("partners")
    assert one.vip.all("asset_versions") != other.vip.all("asset_versions")


def test_a_restart_goes_on_where_it_was(tmp_path: Path, fresh: Starter) -> None:
    straight = fresh("straight", *SMALL)
    _writes(straight)
    straight.advance(days=6)
    with running(tmp_path / "restarted", *SMALL) as before:
        _writes(before)
        before.advance(days=2)
        seen = before.whole()
    with running(tmp_path / "restarted", "--seed", "99") as after:
        assert after.told["seed"] == 7, "an existing network keeps its own seed"
        assert after.whole() == seen
        replay = after.vip.write("POST", "/v1/reviews", {"asset_id": "AS-00001"}, "key-time-review")
        assert replay.status_code in {201, 422}
        assert replay.status_code == 422 or replay.headers["idempotency-replayed"] == "true"
        after.advance(days=4)
        assert after.whole() == straight.whole()


def test_the_clock_stands_still_by_itself_and_does_not_go_back(sandbox: Sandbox) -> None:
    now = sandbox.vip.desk("clock")["now"]
    assert sandbox.trading_grid.desk("clock")["now"] == now
    moved = sandbox.advance(minutes=90)
    assert instants.parse(moved) - instants.parse(now) == 90 * instants.MINUTE
    back = httpx.post(f"{sandbox.told['vip']}/sandbox/clock/advance", json={"to": now}, timeout=30)
    assert back.status_code == 409
    assert sandbox.vip.desk("clock")["now"] == moved


@pytest.mark.parametrize("step", [{"to": "tomorrow"}, {"days": "many"}, {"days": None}])
def test_a_step_that_is_none_is_refused(step: dict[str, Any], sandbox: Sandbox) -> None:
    answer = httpx.post(f"{sandbox.told['vip']}/sandbox/clock/advance", json=step, timeout=30)
    assert answer.status_code == 422


def test_nothing_served_lies_after_the_clock(fresh: Starter) -> None:
    started = fresh("state", *SMALL)
    now = instants.parse(started.vip.desk("clock")["now"])
    for stream, member in (
        ("access_events", "recorded_at"),
        ("deliveries", "updated_at"),
        ("asset_versions", "updated_at"),
    ):
        times = [instants.parse(item[member]) for item in started.vip.all(stream)]
        assert times
        assert max(times) <= now
    for stream, member in (("acknowledgments", "occurred_at"), ("notices", "posted_at"), ("requests", "updated_at")):
        assert max(instants.parse(item[member]) for item in started.trading_grid.all(stream)) <= now


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2025-09-07T00:00:00", "America/Santiago", "2025-09-07T04:00:00Z"),
        ("2025-10-05T02:15:00", "Australia/Sydney", "2025-10-04T16:15:00Z"),
        ("2025-10-26T02:30:00", "Europe/Berlin", "2025-10-26T00:30:00Z"),
        ("2025-06-01T09:00:00", "Asia/Kolkata", "2025-06-01T03:30:00Z"),
    ],
)
def test_a_local_time_resolves_as_rfc_5545_says(text: str, zone: str, instant: str) -> None:
    assert instants.utc(instants.resolve(text, zone)) == instant.replace("Z", ".000000Z")


def test_an_instant_is_read_with_any_offset_and_fraction() -> None:
    assert instants.parse("2026-03-02T10:00:00+02:00") == instants.parse("2026-03-02t08:00:00.000Z")
    assert instants.parse("2026-03-02T08:00:00.1234567Z") % instants.SECOND == 123_456
    for wrong in (
        "2026-03-02",
        "2026-13-02T08:00:00Z",
        "2026-03-02T08:00:00",
        "2026-03-02T25:00:00Z",
        "٢026-03-02T08:00:00Z",
    ):
        with pytest.raises(ValueError, match=r"instant|month|isoformat"):
            instants.parse(wrong)


def test_draws_depend_on_what_they_are_for_alone() -> None:
    draws = [Dice(7, "a", 1).number(), Dice(7, "a", 2).number(), Dice(8, "a", 1).number(), Dice(7, "a1").number()]
    assert len(set(draws)) == 4
    assert Dice(7, "a", 1).number() == draws[0]
    dice = Dice(7, "shares")
    assert 0.28 < sum(dice.chance(0.3) for _ in range(20_000)) / 20_000 < 0.32
    assert {dice.between(1, 3) for _ in range(100)} == {1, 2, 3}
