"""Many small stories as one network, so that they can be computed once and asked apart.

Here belongs: giving every id of a story its story's name in front. Not here: what a story tells.
"""

from collections.abc import Mapping
from datetime import datetime

from tests.reference.given import Story
from tests.reference.networks import Batch
from tests.reference.records import Record, key_of

ID_FIELDS = frozenset(
    {
        "partner_id",
        "parent_partner_id",
        "user_id",
        "group_id",
        "asset_id",
        "event_id",
        "supersedes_event_id",
        "delivery_id",
        "ack_id",
        "notice_id",
        "grant_id",
        "grantee_id",
        "object_id",
        "segment_id",
        "parent_segment_id",
        "package_id",
        "decision_id",
        "vip_id",
        "trading_grid_id",
    }
)


def named(story: str, identity: str) -> str:
    """Return what an id of a story is called in the network of all of them."""
    return f"{story}.{identity}"


def renamed(story: str, record: Record) -> Record:
    """Put the story's name in front of every id of a record."""
    return {
        field: named(story, str(value)) if field in ID_FIELDS and value is not None else value
        for field, value in record.items()
    }


def merged(stories: Mapping[str, Story]) -> list[Batch]:
    """Return one batch for each instant at which something became known."""
    contents: dict[datetime, dict[str, list[Record]]] = {}
    for name, story in stories.items():
        for arrival in story.arrivals:
            streams = contents.setdefault(arrival.known_at, {})
            streams.setdefault(arrival.stream, []).append(renamed(name, arrival.record))
    return [_batch(now, contents[now]) for now in sorted(contents)]


def _batch(now: datetime, streams: dict[str, list[Record]]) -> Batch:
    keys = ((stream, key_of(stream, record)) for stream, records in streams.items() for record in records)
    return Batch(now, streams, frozenset((stream, key) for stream, key in keys if key is not None))
