"""The candidates of a turn: one row of ``sync.notice_candidates``, and whom they may go to.

Belongs here: the rows' shapes and reading them. Does not belong here: what makes a candidate (``sql/sync``), what is
decided about it (``pipeline.actions.choosing``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from pipeline.notice_settings import Audience, PartnerSet
from pipeline.sqlmodels.relations import Connection, rows_of


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """One notice that is due; ``suppression_reason`` is what speaks against it.

    ``notice_due_at`` is the journal's text of the instant, ``evidence`` JSON. The order of the fields is that of the
    columns read.
    """

    candidate_key: str
    partner_id: str
    asset_id: str | None
    version_no: int | None
    kind: str
    step: str
    pattern: str
    rule: str
    notice_due_at: str
    subject_type: str | None
    subject_id: str | None
    is_urgent: bool
    evidence: str | None
    classification: str
    owner: str | None
    position: str | None
    zone: str | None
    suppression_reason: str | None


@dataclass(frozen=True, slots=True)
class Recheck:
    """The last look at an action: ``verdict`` is ``suppress``, ``wait`` or ``found``."""

    verdict: str
    reason: str
    remote_id: str | None


_NAMES: Final = tuple(field.name for field in msgspec.structs.fields(Candidate))
_READ_OTHERWISE: Final = {
    "notice_due_at": "instant_text(notice_due_at)",
    "evidence": "cast(evidence as varchar)",
}
_ORDER: Final = (
    "withdrawal",
    "expiry",
    "version_change",
    "publish",
    "request_update",
    "issue_update",
    "launch_package",
    "access_rules",
    "reminder",
    "escalation",
)
_IN_SET: Final = """
    select distinct partners.partner_id
    from core.partners as partners
    left join core.group_members as members
        on members.partner_id = partners.partner_id
        and (members.left_at is null or members.left_at > (select as_of from ops.question))
    where partners.partner_id in (select unnest($partners::varchar[]))
        or partners.tier in (select unnest($tiers::varchar[]))
        or members.group_id in (select unnest($groups::varchar[]))
        or exists (
            select 1
            from (select unnest($regions::varchar[]) as region) as named
            where partners.region = named.region or starts_with(partners.region, named.region || '-')
        )
"""


def read_candidates(connection: Connection) -> list[Candidate]:
    """Return the candidates in the order of urgency: urgent ones, then by kind; each by due instant and key."""
    columns = ", ".join(_READ_OTHERWISE.get(name, name) for name in _NAMES)
    kinds = ", ".join(f"'{kind}'" for kind in _ORDER)
    rows = rows_of(
        connection.sql(
            f"select {columns} from sync.notice_candidates"  # noqa: S608 - names of ours
            f" order by not is_urgent, list_position([{kinds}], kind) nulls last, sync.notice_candidates.notice_due_at,"
            " candidate_key"
        )
    )
    return [Candidate(*row) for row in rows]


def read_rechecks(connection: Connection) -> dict[str, Recheck]:
    """Return the last look at those actions that are not to be sent as they stand, by ``action_key``."""
    rows = connection.sql("select action_key, verdict, reason, remote_id from sync.action_rechecks").fetchall()
    return {key: Recheck(verdict, reason, remote_id) for key, verdict, reason, remote_id in rows}


def read_posted_keys(connection: Connection) -> frozenset[str]:
    """Return the external keys that Trading Grid lists: an action of such a key has had its effect."""
    rows = connection.sql("select distinct external_key from core.notices where external_key is not null").fetchall()
    return frozenset(key for (key,) in rows)


def read_outsiders(connection: Connection, audience: Audience) -> frozenset[str]:
    """Return the partners that the configured audience leaves out."""
    outside: set[str] = set()
    if not audience.include.is_empty:
        everybody = {key for (key,) in connection.sql("select partner_id from core.partners").fetchall()}
        outside |= everybody - _members(connection, audience.include)
    if not audience.exclude.is_empty:
        outside |= _members(connection, audience.exclude)
    return frozenset(outside)


def count_active_partners(connection: Connection) -> int:
    """Return the size of the network, the whole that the approval threshold's share is of: the suspended count, too.

    They are told what they hold, so without them more than the whole network could be told.
    """
    rows = connection.sql(
        "select count(*) from core.partners where coalesce(status, 'active') <> 'left' and deleted_at is null"
    ).fetchall()
    return int(rows[0][0])


def _members(connection: Connection, wanted: PartnerSet) -> set[str]:
    named = {name: list(value) for name, value in wanted}
    return {key for (key,) in connection.sql(_IN_SET, params=named).fetchall()}
