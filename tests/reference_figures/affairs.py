"""Affairs of a network that is there: requests, exceptions, withdrawals, launches, and what is said about them.

Here belong: records of processes, in the order of their life or out of it. Not here: partners, assets, versions and
access (markets.py, tests/reference/networks.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from random import Random

from tests.reference.dice import Dice
from tests.reference.networks import Network
from tests.reference.records import Record, instant, integer

Told = Iterator[tuple[str, Record]]
SPAN = timedelta(days=60)
REQUEST_WALKS = (
    ("new", "accepted", "in_progress", "delivered", "confirmed", "closed"),
    ("new", "accepted", "waiting_partner", "in_progress", "delivered"),
    ("new", "accepted", "waiting_partner"),
    ("new", "delivered", "reopened", "in_progress", "delivered"),
    ("new", "denied"),
    ("new", "accepted", "cancelled", "reopened"),
    ("new",),
    ("accepted", "waiting_partner", "new", "waiting_partner", "delivered"),
    (),
)
ISSUE_WALKS = (
    ("reported", "triaged", "in_review", "replacement_approved", "replacement_published", "partner_notified"),
    ("reported", "triaged", "in_review", "replacement_published", "partner_notified", "confirmed"),
    ("reported", "partner_notified", "reopened", "confirmed"),
    ("reported", "triaged", "rejected"),
    ("reported", "duplicate"),
    ("reported",),
    ("triaged", "reported", "confirmed", "reopened"),
    (),
)
NOTICE_KINDS = {"withdrawal": 5, "issue_update": 3, "version_change": 3, "reminder": 2, "launch_package": 0}


@dataclass(frozen=True)
class Cast:
    """Who and what there is, and when it happens."""

    dice: Dice
    now: datetime
    partners: Sequence[str]
    assets: Sequence[str]
    names: Sequence[str]
    versions: int
    withdrawn: Sequence[tuple[str, int, datetime]]

    def moment(self, since: datetime | None = None) -> datetime:
        """Draw an instant of the last sixty days, seldom a later one: any, or where working hours begin and end."""
        start = self.now - SPAN if since is None else since
        if since is not None:
            return start + timedelta(seconds=self.dice.count(0, 6 * 86_400))
        if self.dice.chance(8):
            return self.now + timedelta(hours=self.dice.count(0, 200))
        day = start + timedelta(days=self.dice.count(0, 58))
        if self.dice.chance(30):
            hour = self.dice.pick((9, 17, 8, 16, 12))
            return datetime.combine(day, time(hour), tzinfo=day.tzinfo)
        return day + timedelta(microseconds=self.dice.count(0, 86_400_000_000))

    def partner(self) -> str:
        """Draw a partner, seldom one that nobody knows."""
        return "p-nobody" if self.dice.chance(4) else self.dice.pick(self.partners)

    def subject(self) -> Record:
        """Draw what something is about, as Trading Grid names it; seldom nothing."""
        found: Record = {"asset_id": None if self.dice.chance(8) else self.dice.pick(self.names)}
        if self.dice.chance(75):
            found["version_no"] = 99 if self.dice.chance(4) else self.dice.count(1, self.versions)
        return found


def bustling(network: Network, rng: Random) -> Network:
    """Return the network with such affairs; some of each arrives with the last sync only."""
    cast = _cast(network, Dice(rng))
    batches = [
        replace(batch, streams={stream: list(records) for stream, records in batch.streams.items()})
        for batch in network.batches
    ]
    for tell in (_requests, _issues, _reviews, _removals, _aftermath, _campaigns, _letters):
        for stream, record in tell(cast):
            batch = batches[-1 if cast.dice.chance(30) else 0]
            batch.streams.setdefault(stream, []).append(record)
    return replace(network, batches=batches)


def _cast(network: Network, dice: Dice) -> Cast:
    found: dict[str, set[str]] = {"partner_id": set(), "asset_id": set(), "trading_grid_id": set()}
    most = 1
    for arrival in network.arrivals():
        record = arrival.record
        if arrival.stream == "partners":
            found["partner_id"].add(str(record["partner_id"]))
        if arrival.stream == "assets":
            found["asset_id"].add(str(record["asset_id"]))
        if arrival.stream == "xref" and record["entity"] == "asset":
            found["trading_grid_id"].add(str(record["trading_grid_id"]))
        if arrival.stream == "asset_versions":
            most = max(most, integer(record, "version_no") or 1)
    assets = sorted(found["asset_id"])
    names = [*assets, *sorted(found["trading_grid_id"])]
    withdrawn = sorted(_withdrawn(network))
    return Cast(dice, network.batches[-1].now, sorted(found["partner_id"]), assets, names, most, withdrawn)


def _withdrawn(network: Network) -> set[tuple[str, int, datetime]]:
    return {
        (str(arrival.record["asset_id"]), number, withdrawn_at)
        for arrival in network.arrivals()
        if arrival.stream == "asset_versions"
        and (number := integer(arrival.record, "version_no")) is not None
        and (withdrawn_at := instant(arrival.record, "withdrawn_at")) is not None
    }


def _steps(cast: Cast, walks: Sequence[Sequence[str]], name: str, key: str) -> tuple[datetime, list[Record]]:
    """Draw when something was created, and its steps: mostly one after the other, some at one instant."""
    created_at = at = cast.moment()
    found: list[Record] = []
    for place, status in enumerate(cast.dice.pick(walks)):
        step: Record = {
            "event_id": f"{cast.dice.count(0, 9)}{name}{place}",
            key: name,
            "to_status": status,
            "occurred_at": at.isoformat(),
        }
        found.append(step)
        if cast.dice.chance(85):
            at = cast.moment(since=at)
    return created_at, found


def _requests(cast: Cast) -> Told:
    for number in range(cast.dice.count(12, 20)):
        name = f"q{number}"
        created_at, steps = _steps(cast, REQUEST_WALKS, name, "request_id")
        subject = cast.subject()
        status = cast.dice.pick(("new", "accepted", "denied", "delivered", "closed"))
        partner_id = cast.partner()
        record: Record = {
            "request_id": name,
            "partner_id": partner_id,
            "asset_id": subject["asset_id"],
            "status": steps[-1]["to_status"] if steps else status,
            "created_at": created_at.isoformat(),
            "updated_at": created_at.isoformat(),
        }
        yield "requests", record
        if cast.dice.chance(15):
            yield "requests", {**record, "partner_id": cast.partner(), "updated_at": cast.now.isoformat()}
        yield from (("request_events", step) for step in steps)
        if subject["asset_id"] is None or cast.dice.chance(20):
            yield from (("deliveries", _delivery(cast, f"{name}d{copy}", name)) for copy in range(2))


def _delivery(cast: Cast, name: str, request_id: str) -> Record:
    at = cast.moment().isoformat()
    return {
        "delivery_id": name,
        "partner_id": cast.partner(),
        "asset_id": cast.dice.pick(cast.assets),
        "version_no": cast.dice.count(1, cast.versions),
        "request_id": request_id,
        "channel": cast.dice.pick(("portal", "sftp")),
        "status": cast.dice.pick(("queued", "delivered", "picked_up")),
        "status_at": at,
        "created_at": cast.moment().isoformat(),
        "updated_at": at,
    }


def _issues(cast: Cast) -> Told:
    for number in range(cast.dice.count(10, 16)):
        name = f"i{number}"
        created_at, steps = _steps(cast, ISSUE_WALKS, name, "issue_id")
        status = cast.dice.pick(("reported", "triaged", "rejected", "confirmed", "partner_notified"))
        record: Record = {
            "issue_id": name,
            "partner_id": cast.partner(),
            **cast.subject(),
            "category": "corrupt",
            "status": steps[-1]["to_status"] if steps else status,
            "created_at": created_at.isoformat(),
            "updated_at": created_at.isoformat(),
        }
        yield "issues", record
        yield from (("issue_events", step) for step in steps)


def _reviews(cast: Cast) -> Told:
    for number in range(cast.dice.count(3, 8)):
        at = cast.moment().isoformat()
        yield (
            "reviews",
            {
                "review_id": f"v{number}",
                "asset_id": cast.dice.pick(cast.assets),
                "version_no": cast.dice.pick((None, 1, 2)),
                "issue_id": f"i{cast.dice.count(0, 9)}",
                "status": "open",
                "opened_at": at,
                "updated_at": at,
            },
        )


def _removals(cast: Cast) -> Told:
    """Attested removals, some by a parent, some revoked."""
    for number in range(cast.dice.count(6, 14)):
        at = cast.moment()
        record: Record = {
            "ack_id": f"z{number}",
            "partner_id": cast.dice.pick(cast.partners),
            "asset_id": cast.dice.pick(cast.names),
            "kind": "completed",
            "covers_children": cast.dice.chance(30),
            "occurred_at": at.isoformat(),
            "recorded_at": at.isoformat(),
        }
        if cast.dice.chance(40):
            record["version_no"] = cast.dice.count(1, cast.versions)
        if cast.dice.chance(15):
            record["revoked_at"] = cast.moment(since=at).isoformat()
        yield "acknowledgments", record


def _aftermath(cast: Cast) -> Told:
    """What follows a withdrawal: who had it is told, answers, removes it, fetches it or a later one again."""
    for asset_id, number, withdrawn_at in cast.withdrawn:
        for partner_id in cast.partners:
            name = f"{asset_id}{number}{partner_id}"
            what: Record = {"partner_id": partner_id, "asset_id": asset_id, "version_no": number}
            if cast.dice.chance(50):
                yield "access_events", _download(name, what, withdrawn_at - timedelta(hours=cast.dice.count(0, 90)))
            if cast.dice.chance(15):
                yield "access_events", _download(f"{name}again", what, cast.moment(since=withdrawn_at))
            if cast.dice.chance(20):
                later: Record = {**what, "version_no": number + 1}
                yield "access_events", _download(f"{name}later", later, cast.moment(since=withdrawn_at))
            if cast.dice.chance(60):
                at = cast.moment(since=withdrawn_at).isoformat()
                yield "notices", {"notice_id": f"f{name}", "kind": "withdrawal", **what, "posted_at": at}
            if cast.dice.chance(60):
                kinds = {"completed": 6, "read": 2, "declined": 1, "auto": 1, "proxy": 1}
                at = cast.moment(since=withdrawn_at).isoformat()
                said: Record = {"ack_id": f"g{name}", "kind": cast.dice.weighted(kinds), "covers_children": False}
                yield "acknowledgments", {**what, **said, "occurred_at": at, "recorded_at": at}


def _download(event_id: str, what: Record, at: datetime) -> Record:
    stamps: Record = {"occurred_at": at.isoformat(), "recorded_at": at.isoformat()}
    return {"event_id": event_id, "event_type": "downloaded", **what, "vector": "direct", **stamps}


def _campaigns(cast: Cast) -> Told:
    for number in range(cast.dice.count(1, 3)):
        name = f"c{number}"
        launch = (cast.now + timedelta(hours=cast.dice.count(-240, 240))).replace(tzinfo=None, microsecond=0)
        record: Record = {
            "campaign_id": name,
            "name": name,
            "launch_policy": cast.dice.pick(("instant", "publisher_local", "partner_local")),
            "launch_timezone": cast.dice.pick((None, "Asia/Tokyo", "Nowhere/Land")),
            "status": cast.dice.weighted({"planning": 8, "ready": 1, "cancelled": 1}),
            "gate_percent": 80,
            "required_rung": cast.dice.pick((None, 1, 2, 3, 4, 5, 6, 7)),
            "updated_at": (cast.now - SPAN).isoformat(),
        }
        if not cast.dice.chance(8):
            record["launch_local"] = launch.isoformat()
        yield "campaigns", record
        yield from _audience(cast, name)
        yield from _packages(cast, name)


def _audience(cast: Cast, name: str) -> Told:
    for partner_id in (*cast.partners, "p-nobody"):
        if cast.dice.chance(75):
            member: Record = {"campaign_id": name, "partner_id": partner_id}
            yield "campaign_partners", {**member, "required": not cast.dice.chance(15)}
    for task in range(cast.dice.count(0, 3)):
        yield (
            "campaign_tasks",
            {
                "task_id": f"{name}t{task}",
                "campaign_id": name,
                "partner_id": None if cast.dice.chance(8) else cast.dice.pick(cast.partners),
                "kind": cast.dice.pick(("readiness", "confirmation", "approval")),
                "status": cast.dice.weighted({"waived": 3, "open": 1}),
                "updated_at": cast.moment().isoformat(),
            },
        )


def _packages(cast: Cast, name: str) -> Told:
    for package in range(cast.dice.count(1, 2)):
        package_id = f"{name}k{package}"
        stamp = (cast.now - SPAN).isoformat()
        yield "packages", {"package_id": package_id, "campaign_id": name, "name": package_id, "updated_at": stamp}
        for asset_id in (*cast.assets, "a-nothing"):
            if cast.dice.chance(70):
                item: Record = {"package_id": package_id, "asset_id": asset_id, "sequence": 1}
                yield "package_items", {**item, "required": not cast.dice.chance(20)}
        for partner_id in cast.partners:
            if cast.dice.chance(25):
                posted: Record = {"kind": "launch_package", "package_id": package_id, "partner_id": partner_id}
                at = cast.moment()
                posted |= {"notice_id": f"l{package_id}{partner_id}", "posted_at": at.isoformat()}
                if cast.dice.chance(15):
                    posted["retracted_at"] = cast.moment(since=at).isoformat()
                yield "notices", posted


def _letters(cast: Cast) -> Told:
    """Notices of more kinds, some retracted, some about nothing."""
    for number in range(cast.dice.count(8, 20)):
        at = cast.moment()
        record: Record = {
            "notice_id": f"w{number}",
            "partner_id": cast.partner(),
            "kind": cast.dice.weighted(NOTICE_KINDS),
            **cast.subject(),
            "posted_at": at.isoformat(),
        }
        if cast.dice.chance(12):
            record["retracted_at"] = cast.moment(since=at).isoformat()
        if cast.dice.chance(30):
            record["external_key"] = f"key{number // 2}"
        yield "notices", record
