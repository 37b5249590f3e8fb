"""The steps of a request or an issue from state to state (docs/domain.md 9, P1 and P3).

Here belong: their order, the state at an instant, when a state was first reached. Not here: what that counts as.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.reference.identities import canonical_asset
from tests.reference.records import Knowledge, Record, required_instant, text


@dataclass(frozen=True)
class Steps:
    """One request or issue with its steps by (`occurred_at`, `event_id`), later ones too."""

    record: Record
    begins_as: str
    everything: tuple[tuple[datetime, str, str], ...]

    @property
    def started_at(self) -> datetime:
        """Return when it first stepped into its first state; else when it was created."""
        return self.first(self.begins_as, self.everything) or required_instant(self.record, "created_at")

    def by(self, at: datetime) -> tuple[tuple[datetime, str, str], ...]:
        """Return the steps by an instant."""
        return tuple(step for step in self.everything if step[0] <= at)

    def first(self, status: str, steps: tuple[tuple[datetime, str, str], ...]) -> datetime | None:
        """Return when it first stepped into a state."""
        return min((at for at, _, to_status in steps if to_status == status), default=None)

    def first_by(self, status: str, at: datetime) -> datetime | None:
        """Return when it first stepped into a state, by an instant."""
        return self.first(status, self.by(at))

    def status(self, at: datetime) -> str:
        """Return its state: the last step's; the record's own where no step is known at all."""
        steps = self.by(at)
        if steps:
            return steps[-1][2]
        return self.begins_as if self.everything else text(self.record, "status") or self.begins_as


def steps_of(known: Knowledge, streams: tuple[str, str], key: str, begins_as: str) -> Iterator[Steps]:
    """Yield every record of the first stream with its steps from the second."""
    for record in known.current(streams[0]):
        own = [
            (required_instant(event, "occurred_at"), str(event["event_id"]), str(event["to_status"]))
            for event in known.current(streams[1])
            if event[key] == record[key]
        ]
        yield Steps(record, begins_as, tuple(sorted(own)))


def requests_of(known: Knowledge) -> Iterator[Steps]:
    """Yield every request."""
    return steps_of(known, ("requests", "request_events"), "request_id", "new")


def issues_of(known: Knowledge) -> Iterator[Steps]:
    """Yield every issue."""
    return steps_of(known, ("issues", "issue_events"), "issue_id", "reported")


def asset_of(known: Knowledge, record: Record) -> str | None:
    """Return VIP's id of the asset that it is about, as it was when it was created."""
    named = text(record, "asset_id")
    return None if named is None else canonical_asset(known, named, required_instant(record, "created_at"))
