"""The catalog of streams: which records exist, their keys and their fields.

Belongs here: the names, keys, types and requiredness of the canonical records
(docs/domain.md, section 3), once. Does not belong here: how a field is typed or
checked in SQL (``sql/staging``), or how a tenant names it (a connection's profile).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class System(StrEnum):
    """Where a stream lives."""

    VIP = "vip"
    TRADING_GRID = "trading_grid"


class FieldType(StrEnum):
    """How a field is meant; ``instant`` is an RFC 3339 stamp, ``local`` a naive local time."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    LOCAL = "local"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a stream's record; ``is_required`` = a record without it is rejected."""

    name: str
    type: FieldType
    is_required: bool


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: one row is one record, identified by ``key``."""

    name: str
    system: System
    key: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields' names in the order of the contract."""
        return tuple(field.name for field in self.fields)


_TYPES: Final = {
    "": FieldType.TEXT,
    "int": FieldType.INTEGER,
    "bool": FieldType.BOOLEAN,
    "at": FieldType.INSTANT,
    "local": FieldType.LOCAL,
    "list": FieldType.TEXTS,
}


def _stream(system: System, name: str, key: str, fields: str) -> Stream:
    """Read ``field``, ``field?``, ``field:type`` and ``field:type?`` from a line of the catalog."""
    parsed = []
    for word in fields.split():
        spelled, _, mark = word.rstrip("?").partition(":")
        parsed.append(Field(spelled, _TYPES[mark], is_required=not word.endswith("?")))
    return Stream(name, system, tuple(key.split()), tuple(parsed))


_VIP: Final = (
    _stream(
        System.VIP,
        "assets",
        "asset_id",
        "asset_id sku? title? asset_type? classification? brand? product_line? locale? owner? status?"
        " publisher_timezone? on_withdraw? created_at:at? updated_at:at? deleted_at:at?",
    ),
    _stream(
        System.VIP,
        "asset_versions",
        "asset_id version_no",
        "asset_id version_no:int version_label? file_name? format? size_bytes:int? checksum_sha256? change_class?"
        " change_summary? replacement_instructions? usage_guidance? approval_status approved_by? approved_at:at?"
        " effective_local:local? effective_policy? expires_at:at? withdrawn_at:at? withdrawal_reason?"
        " restricted_regions:list? updated_at:at?",
    ),
    _stream(
        System.VIP,
        "segments",
        "segment_id",
        "segment_id name? dimension? value? parent_segment_id? updated_at:at? deleted_at:at?",
    ),
    _stream(
        System.VIP,
        "segment_assets",
        "segment_id asset_id added_at",
        "segment_id asset_id added_at:at removed_at:at?",
    ),
    _stream(
        System.VIP,
        "grants",
        "grant_id",
        "grant_id grantee_type grantee_id object_type object_id effect rights:list? usage_guidance? valid_from:at"
        " valid_to:at? updated_at:at?",
    ),
    _stream(System.VIP, "packages", "package_id", "package_id campaign_id? name? embargo_until:at? updated_at:at?"),
    _stream(System.VIP, "package_items", "package_id asset_id", "package_id asset_id required:bool? sequence:int?"),
    _stream(
        System.VIP,
        "deliveries",
        "delivery_id",
        "delivery_id partner_id? asset_id version_no:int? request_id? package_id? channel status status_at:at"
        " created_at:at? checksum_sha256? error_code? error_message? updated_at:at?",
    ),
    _stream(
        System.VIP,
        "access_events",
        "event_id",
        "event_id event_type partner_id? user_id? asset_id version_no:int? delivery_id? vector? occurred_at:at"
        " recorded_at:at? client_ip? user_agent? bytes:int? supersedes_event_id? correction_reason?",
    ),
    _stream(
        System.VIP,
        "reviews",
        "review_id",
        "review_id asset_id version_no:int? issue_id? status replacement_version_no:int? reason? opened_at:at?"
        " updated_at:at?",
    ),
)

_TRADING_GRID: Final = (
    _stream(
        System.TRADING_GRID,
        "partners",
        "partner_id",
        "partner_id name? parent_partner_id? region? timezone? locale? tier? status? left_at:at?"
        " trading_addresses:list? gln? updated_at:at? deleted_at:at?",
    ),
    _stream(
        System.TRADING_GRID,
        "partner_users",
        "user_id",
        "user_id partner_id? login_id? display_name? email? roles:list? status? updated_at:at?",
    ),
    _stream(System.TRADING_GRID, "partner_groups", "group_id", "group_id name? dimension? value? updated_at:at?"),
    _stream(
        System.TRADING_GRID,
        "group_members",
        "group_id partner_id joined_at",
        "group_id partner_id joined_at:at left_at:at?",
    ),
    _stream(
        System.TRADING_GRID,
        "requests",
        "request_id",
        "request_id partner_id requester_id? asset_id? asset_query? purpose? territory? needed_by:at? status?"
        " created_at:at? updated_at:at?",
    ),
    _stream(
        System.TRADING_GRID,
        "request_events",
        "event_id",
        "event_id request_id from_status? to_status actor? occurred_at:at",
    ),
    _stream(
        System.TRADING_GRID,
        "issues",
        "issue_id",
        "issue_id partner_id asset_id? version_no:int? category? severity? description? status? duplicate_of?"
        " created_at:at? updated_at:at?",
    ),
    _stream(
        System.TRADING_GRID,
        "issue_events",
        "event_id",
        "event_id issue_id from_status? to_status actor? occurred_at:at",
    ),
    _stream(
        System.TRADING_GRID,
        "acknowledgments",
        "ack_id",
        "ack_id partner_id user_id? asset_id? version_no:int? notice_id? kind covers_children:bool? content_digest?"
        " rationale? occurred_at:at recorded_at:at? revoked_at:at? native_code? updated_at:at?",
    ),
    _stream(
        System.TRADING_GRID,
        "comments",
        "comment_id",
        "comment_id thread_type? thread_id? partner_id? user_id? body? visibility? created_at:at? updated_at:at?"
        " redacted_at:at?",
    ),
    _stream(
        System.TRADING_GRID,
        "campaigns",
        "campaign_id",
        "campaign_id name? brand? launch_local:local? launch_policy? launch_timezone? status? gate_percent:int?"
        " required_rung:int? owner? updated_at:at?",
    ),
    _stream(
        System.TRADING_GRID,
        "campaign_partners",
        "campaign_id partner_id",
        "campaign_id partner_id required:bool?",
    ),
    _stream(
        System.TRADING_GRID,
        "campaign_tasks",
        "task_id",
        "task_id campaign_id partner_id? kind? status? due_at:at? completed_at:at? updated_at:at?",
    ),
    _stream(
        System.TRADING_GRID,
        "notices",
        "notice_id",
        "notice_id external_key? partner_id kind asset_id? version_no:int? package_id? posted_at:at due_at:at?"
        " retracted_at:at? read_at:at?",
    ),
    _stream(
        System.TRADING_GRID,
        "xref",
        "entity vip_id trading_grid_id",
        "entity vip_id trading_grid_id valid_from:at? valid_to:at? match_rule? asserted_by?",
    ),
)

STREAMS: Final[dict[str, Stream]] = {stream.name: stream for stream in (*_VIP, *_TRADING_GRID)}
