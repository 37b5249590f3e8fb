"""The figures of a report's page, out of tables that answer its question.

Belongs here: counting what the tables say, for people. Does not belong here: rules (``sql/``), wording and
looks (``templates/report.html``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.reports.period import Period
from pipeline.sqlmodels.relations import Connection

ROWS_ON_A_PAGE: Final = 25

# In the order of the bar: what is as it should be, what will be or is forgiven, what is wrong, what nobody knows.
POSITIONS: Final[Mapping[str, str]] = {
    "current": "holds the version that it should hold",
    "ahead": "holds a version that is not yet effective",
    "stale_in_grace": "holds an older version, and has time to change",
    "stale_overdue": "holds an older version, and the time to change has run out",
    "regressed": "went back to an older version",
    "withdrawn_held": "holds a version that was withdrawn",
    "expired_held": "holds a version that has expired",
    "barred_held": "holds a version that is barred in its region",
    "unapproved_held": "holds a version that was never approved",
    "no_target": "holds a version of an asset that has none to hold now",
    "orphaned": "holds a version of an asset that was deleted",
    "unknown_version": "holds something of which the version is not known",
}
WITHOUT_COPY: Final[Mapping[str, str]] = {
    "never_held": "never obtained it",
    "nothing_to_hold": "never obtained it, and there is nothing to hold",
    "cleared": "attested that every copy is removed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One position's share of what is held; ``percent`` of the bar's length."""

    position: str
    says: str
    pairs: int
    partners: int
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that the page shows."""

    partners: int
    assets: int
    pairs_held: int
    pairs_outdated: int
    partners_outdated: int
    pairs_exposed: int
    partners_exposed: int
    currency: float | None
    currency_by_partner: float | None
    is_data_late: bool
    held: Sequence[Slice]
    not_held: Sequence[Slice]
    behind: Sequence[Mapping[str, Any]]
    behind_in_all: int
    assets_behind: Sequence[Mapping[str, Any]]
    assets_behind_in_all: int
    urgent: Sequence[Mapping[str, Any]]
    urgent_in_all: int
    violations: Sequence[Mapping[str, Any]]
    notices: Sequence[Mapping[str, Any]]
    answers: Sequence[Mapping[str, Any]]
    arrived: Sequence[Mapping[str, Any]]


def count_figures(connection: Connection, period: Period) -> Figures:
    """Count everything on the page."""
    totals = _one(connection, _TOTALS)
    counted = {row["position"]: row for row in _rows(connection, _POSITIONS)}
    behind = _rows(connection, _BEHIND)
    assets_behind = _rows(connection, _ASSETS_BEHIND)
    urgent = _rows(connection, _URGENT)
    span = {"start": period.month.start if period.month else None, "end": period.question.as_of}
    return Figures(
        **totals,
        **_one(connection, _CURRENCY),
        held=_slices(counted, POSITIONS),
        not_held=_slices(counted, WITHOUT_COPY),
        behind=behind[:ROWS_ON_A_PAGE],
        behind_in_all=len(behind),
        assets_behind=assets_behind[:ROWS_ON_A_PAGE],
        assets_behind_in_all=len(assets_behind),
        urgent=urgent[:ROWS_ON_A_PAGE],
        urgent_in_all=len(urgent),
        violations=_rows(connection, _VIOLATIONS, span),
        notices=_rows(connection, _NOTICES, span),
        answers=_rows(connection, _ANSWERS),
        arrived=_rows(connection, _ARRIVED, span),
    )


def _slices(counted: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, str]) -> list[Slice]:
    present = [(name, says, counted[name]) for name, says in wanted.items() if name in counted]
    whole = sum(row["pairs"] for _, _, row in present)
    return [
        Slice(
            position=name, says=says, pairs=row["pairs"], partners=row["partners"], percent=100 * row["pairs"] / whole
        )
        for name, says, row in present
    ]


_TOTALS: Final = """
    select
        count(distinct partner_id) as partners,
        count(distinct asset_id) as assets,
        count(*) filter (where position not in ('never_held', 'nothing_to_hold', 'cleared')) as pairs_held,
        count(*) filter (where is_outdated) as pairs_outdated,
        count(distinct partner_id) filter (where is_outdated) as partners_outdated,
        count(*) filter (where is_exposed) as pairs_exposed,
        count(distinct partner_id) filter (where is_exposed) as partners_exposed,
        coalesce((select is_late from ops.data_late where claim = 'position'), true) as is_data_late
    from freshness.positions
"""
_CURRENCY: Final = """
    select
        case when sum(pairs_with_target) > 0 then sum(pairs_current)::double / sum(pairs_with_target) end as currency,
        avg(currency_rate) as currency_by_partner
    from marts.partner_currency
"""
_POSITIONS: Final = """
    select position, count(*) as pairs, count(distinct partner_id) as partners
    from freshness.positions group by position
"""
_BEHIND: Final = """
    select partner_id, partner_name, region, pairs_outdated, pairs_exposed, pairs_with_target, pairs_stale_overdue,
        pairs_stale_in_grace, currency_rate, outdated_since
    from marts.partner_currency
    where pairs_outdated > 0 or pairs_exposed > 0
    order by pairs_outdated desc, pairs_exposed desc, partner_id
"""
_ASSETS_BEHIND: Final = """
    select asset_id, min(asset_title) as asset_title,
        min(classification) as classification, count(distinct partner_id) as partners,
        count(*) filter (where position = 'stale_in_grace') as in_grace,
        list_sort(list(distinct target_version_no) filter (where target_version_no is not null)) as target_versions,
        min(target_effective_at) as since,
        sum(notices_posted)::bigint as notices_posted,
        count(*) filter (where notices_posted = 0) as not_told
    from marts.outdated_holdings
    where is_outdated
    group by asset_id
    order by partners desc, asset_id
"""
_URGENT: Final = """
    select partner_id, partner_name, region, asset_id, asset_title, position, held_versions, target_version_no,
        last_obtained_at, notices_posted,
        concat_ws(
            ', ',
            case when holds_withdrawn then 'withdrawn' end,
            case when position = 'expired_held' then 'expired' end,
            case when holds_barred then 'barred' end,
            case when position = 'unapproved_held' then 'never approved' end
        ) as because
    from marts.outdated_holdings
    where is_exposed and (holds_withdrawn or holds_barred or position in ('expired_held', 'unapproved_held'))
    order by case classification when 'safety' then 0 when 'regulated' then 1 else 2 end,
        position = 'current', partner_id, asset_id
"""
_VIOLATIONS: Final = """
    select says, count(*) filter (where is_violation_now) as now, count(*) filter (where is_violation_then) as then,
        count(*) filter (where is_denied_attempt) as denied, count(distinct partner_id) as partners,
        count(distinct asset_id) as assets, max(occurred_at) as last_at
    from marts.entitlement_violations
    where $start::timestamptz is null or (occurred_at >= $start and occurred_at < $end::timestamptz)
    group by says
    order by now desc, says
"""
_NOTICES: Final = """
    select kind, state, posted_by, count(*) as notices, count(distinct partner_id) as partners,
        count(read_at) as were_read
    from marts.notice_log
    where $start::timestamptz is null
        or (coalesce(sent_at, decided_at) >= $start and coalesce(sent_at, decided_at) < $end::timestamptz)
    group by kind, state, posted_by
    order by kind, state, posted_by
"""
_ANSWERS: Final = """
    select kind, sum(sent)::bigint as sent, sum(acknowledged)::bigint as acknowledged,
        sum(acknowledged_late)::bigint as acknowledged_late, sum(overdue)::bigint as overdue,
        sum(pending)::bigint as pending, sum(exceptions_requested + declined)::bigint as refused,
        sum(exempt + closed_by_later + void)::bigint as settled,
        sum(unsent)::bigint as unsent, sum(acked_without_bytes)::bigint as acked_without_bytes
    from marts.acknowledgment_status
    group by kind
    order by kind
"""
_ARRIVED: Final = """
    select stream, sum(fetched)::bigint as fetched, sum(new)::bigint as new, sum(new_editions)::bigint as new_editions,
        sum(duplicates)::bigint as duplicates, sum(quarantined)::bigint as quarantined,
        bool_and(is_balanced) as is_balanced
    from marts.reconciliation
    where $start::timestamptz is null or (day >= cast($start as date) and day < $end::timestamptz)
    group by stream
    having sum(fetched) > 0
    order by stream
"""


def _one(connection: Connection, query: str) -> dict[str, Any]:
    return _rows(connection, query)[0]


def _rows(connection: Connection, query: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
    relation = connection.sql(query, params=dict(parameters or {}))
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
