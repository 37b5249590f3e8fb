"""The candidates of a turn: one row of ``sync.notice_candidates``.

Belongs here: the rows' shapes and reading them. Does not belong here: what makes a candidate (``sql/sync``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime

from pipeline.sqlmodels.relations import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One notice that is due; ``suppression_reason`` is what speaks against it."""

    candidate_key: str
    partner_id: str
    asset_id: str
    version_no: int
    kind: str
    step: str
    pattern: str
    rule: str
    notice_due_at: datetime
    position: str | None
    suppression_reason: str | None


@dataclass(frozen=True, slots=True)
class Recheck:
    """The last look at an action: ``verdict`` is ``suppress``, ``wait`` or ``found``."""

    verdict: str
    reason: str
    remote_id: str | None


_NAMES = tuple(field.name for field in fields(Candidate))


def read_candidates(connection: Connection) -> list[Candidate]:
    """Return the candidates in the order of urgency: withdrawals, expiries, changes; each by due instant and key."""
    rows = connection.sql(
        f"select {', '.join(_NAMES)} from sync.notice_candidates"  # noqa: S608 - names of ours
        " order by case kind when 'withdrawal' then 0 when 'expiry' then 1 else 2 end, notice_due_at, candidate_key"
    ).fetchall()
    named = (dict(zip(_NAMES, row, strict=True)) for row in rows)
    return [Candidate(**{**row, "notice_due_at": row["notice_due_at"].astimezone(UTC)}) for row in named]


def read_rechecks(connection: Connection) -> dict[str, Recheck]:
    """Return the last look at those actions that are not to be sent as they stand, by ``action_key``."""
    rows = connection.sql("select action_key, verdict, reason, remote_id from sync.notice_rechecks").fetchall()
    return {key: Recheck(verdict, reason, remote_id) for key, verdict, reason, remote_id in rows}


def read_posted_keys(connection: Connection) -> frozenset[str]:
    """Return the external keys that Trading Grid lists: an action of such a key has had its effect."""
    rows = connection.sql("select distinct external_key from core.notices where external_key is not null").fetchall()
    return frozenset(key for (key,) in rows)


def count_active_partners(connection: Connection) -> int:
    """Return the size of the active network, the whole that the approval threshold's share is of."""
    rows = connection.sql(
        "select count(*) from core.partners where coalesce(status, 'active') = 'active' and deleted_at is null"
    ).fetchall()
    return int(rows[0][0])
