"""What a notice is about: one row of ``sync.notice_facts``.

Belongs here: the row's shape and reading it. Does not belong here: formatting (``render``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from pipeline.sqlmodels.relations import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFacts:
    """The facts of one notice; instants are UTC, ``copy_*`` the held copy that it rests on.

    ``trading_grid_asset_id`` is the asset's id there, None where nobody can say which that is.
    """

    candidate_key: str
    partner_id: str
    asset_id: str
    version_no: int
    kind: str
    step: str
    trading_grid_asset_id: str | None
    partner_name: str | None
    locale: str | None
    zone: str
    asset_title: str
    sku: str | None
    brand: str | None
    classification: str
    owner: str | None
    version_label: str | None
    file_name: str | None
    format: str | None
    change_class: str | None
    change_summary: str | None
    replacement_instructions: str | None
    usage_guidance: str | None
    restricted_regions: list[str] | None
    withdrawal_reason: str | None
    effective_at: datetime | None
    withdrawn_from: datetime | None
    expires_at: datetime | None
    position: str | None
    position_rule: int | None
    is_entitled: bool | None
    held_versions: list[int] | None
    grace_until: datetime | None
    target_version_no: int | None
    target_version_label: str | None
    copy_version_no: int | None
    copy_obtained_at: datetime | None
    respond_within_seconds: int | None
    grace_seconds: int | None


_NAMES = tuple(field.name for field in fields(NoticeFacts))


def read_facts(connection: Connection) -> dict[str, NoticeFacts]:
    """Return the facts of all candidates by ``candidate_key``."""
    rows = connection.sql(f"select {', '.join(_NAMES)} from sync.notice_facts").fetchall()  # noqa: S608 - names of ours
    read = (NoticeFacts(**{name: _in_utc(value) for name, value in zip(_NAMES, row, strict=True)}) for row in rows)
    return {facts.candidate_key: facts for facts in read}


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
