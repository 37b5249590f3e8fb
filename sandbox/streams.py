"""The streams of the two systems: whose they are, and by which members a record is known."""

from dataclasses import dataclass
from typing import Any, Literal

System = Literal["vip", "trading_grid"]
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stream:
    """A feed of records; `is_kept` when the current state of each can be asked for by its key."""

    name: str
    system: System
    key: tuple[str, ...]
    is_kept: bool = True

    def key_of(self, record: Record) -> str:
        """Give the key of a record as one string."""
        return "|".join(str(record[member]) for member in self.key)


_ALL = (
    Stream("assets", "vip", ("asset_id",)),
    Stream("asset_versions", "vip", ("asset_id", "version_no")),
    Stream("segments", "vip", ("segment_id",)),
    Stream("segment_assets", "vip", ("segment_id", "asset_id", "added_at")),
    Stream("grants", "vip", ("grant_id",)),
    Stream("packages", "vip", ("package_id",)),
    Stream("package_items", "vip", ("package_id", "asset_id")),
    Stream("deliveries", "vip", ("delivery_id",)),
    Stream("access_events", "vip", ("event_id",), is_kept=False),
    Stream("reviews", "vip", ("review_id",)),
    Stream("partners", "trading_grid", ("partner_id",)),
    Stream("partner_users", "trading_grid", ("user_id",)),
    Stream("partner_groups", "trading_grid", ("group_id",)),
    Stream("group_members", "trading_grid", ("group_id", "partner_id", "joined_at")),
    Stream("requests", "trading_grid", ("request_id",)),
    Stream("request_events", "trading_grid", ("event_id",), is_kept=False),
    Stream("issues", "trading_grid", ("issue_id",)),
    Stream("issue_events", "trading_grid", ("event_id",), is_kept=False),
    Stream("acknowledgments", "trading_grid", ("ack_id",)),
    Stream("comments", "trading_grid", ("comment_id",)),
    Stream("campaigns", "trading_grid", ("campaign_id",)),
    Stream("campaign_partners", "trading_grid", ("campaign_id", "partner_id")),
    Stream("campaign_tasks", "trading_grid", ("task_id",)),
    Stream("notices", "trading_grid", ("notice_id",)),
    Stream("xref", "trading_grid", ("entity", "vip_id", "trading_grid_id")),
)

STREAMS: dict[str, Stream] = {stream.name: stream for stream in _ALL}
