"""The seven patterns in figures: what began since the first turn, what of it ended, and whom the rest waits for.

Belongs here: counting over the tables, and showing it to somebody who sees it for the first time. Does not belong
here: what a pattern is (docs/domain.md, 9), judging (``sql/``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from cli.output import Output, shown

COLUMNS: Final = ("pattern", "started", "done", "ended otherwise", "with partners", "with us")
NEEDS: Final = (
    "ops.turns", "core.requests", "core.issues", "freshness.obligations", "sync.actions", "marts.campaign_readiness",
    "audit.deliveries_acknowledged",
)  # fmt: skip
_TITLES: Final[Mapping[str, str]] = {
    "P1": "requests fulfilled",
    "P2": "new assets announced",
    "P3": "exceptions solved",
    "P4": "changes and removals told",
    "P5": "access rules published",
    "P6": "launches made ready",
    "P7": "copies with proof of answer",
}
_MEANINGS: Final[Mapping[str, str]] = {
    "P1": "requests: confirmed, closed; denied, cancelled; delivered, asked back; being worked on",
    "P2": "notices of first versions: acknowledged; void, declined, overtaken; unanswered; wants time",
    "P3": "issues: confirmed; rejected, duplicate; told how it was solved; triaged, in review",
    "P4": "notices of changes and removals: acknowledged, attested; void, declined; unanswered; as P2",
    "P5": "rules of partner groups: published in Trading Grid; overtaken before; -; to be published",
    "P6": "partners in launches: ready; missed, called off; have the package; wait for it",
    "P7": "versions that partners got: acknowledged; contradicted by the facts; unanswered; -",
}
_CLOSER: Final = (
    "Closer: vipgrid explain PARTNER ASSET; vipgrid report; in the UI marts/request_turnaround,",
    "marts/exception_loop, marts/campaign_readiness, marts/notice_log and sync/notice_decisions.",
)
_QUERY: Final = """
with began as (select min(now) as since from {turns}),

requests as (
    select
        case
            when status in ('confirmed', 'closed') then 'done'
            when status in ('denied', 'cancelled') then 'otherwise'
            when status in ('delivered', 'waiting_partner') then 'partners'
            else 'us'
        end as stage,
        'P1' as pattern
    from {requests} as requests, began
    where created_at >= since
),

issues as (
    select
        case
            when status = 'confirmed' then 'done'
            when status in ('rejected', 'duplicate') then 'otherwise'
            when status = 'partner_notified' then 'partners'
            else 'us'
        end as stage,
        'P3' as pattern
    from {issues} as issues, began
    where created_at >= since
),

obligations as (
    select
        case
            when state in ('acknowledged', 'acknowledged_late') then 'done'
            when state in ('pending', 'overdue') then 'partners'
            when state = 'exception_requested' then 'us'
            else 'otherwise'
        end as stage,
        case when kind = 'publish' then 'P2' else 'P4' end as pattern
    from {obligations} as obligations, began
    where sent_at >= since
),

rules as (
    select
        case
            when state = 'sent' then 'done'
            when state = 'suppressed' then 'otherwise'
            else 'us'
        end as stage,
        'P5' as pattern
    from {actions}
    where operation = 'publish_access_rules'
),

launches as (
    select
        case
            when readiness.campaign_status = 'cancelled' then 'otherwise'
            when readiness.is_ready then 'done'
            when readiness.is_launched then 'otherwise'
            when readiness.next_action in ('remind_to_obtain', 'ask_for_confirmation') then 'partners'
            else 'us'
        end as stage,
        'P6' as pattern
    from {campaign_readiness} as readiness, began
    where readiness.is_required and readiness.launch_at >= since
),

copies as (
    select
        case
            when len(contradictions) > 0 then 'otherwise'
            when acknowledged_at is not null then 'done'
            else 'partners'
        end as stage,
        'P7' as pattern
    from {deliveries_acknowledged} as copies, began
    where first_obtained_at >= since
),

everything as (
    select * from requests
    union all by name
    select * from issues
    union all by name
    select * from obligations
    union all by name
    select * from rules
    union all by name
    select * from launches
    union all by name
    select * from copies
)

select
    pattern,
    count(*) as started,
    count(*) filter (where stage = 'done') as done,
    count(*) filter (where stage = 'otherwise') as ended_otherwise,
    count(*) filter (where stage = 'partners') as with_partners,
    count(*) filter (where stage = 'us') as with_us
from everything
group by pattern
order by pattern
"""


class Tables(Protocol):
    """Where the tables are read, as ``resources.reading.Reader`` does."""

    def table(self, name: str) -> str:
        """Return the SELECT of a table."""

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Ask, and return the rows by column name."""


def count_patterns(reader: Tables) -> list[dict[str, Any]]:
    """Count each pattern's cases since the first turn; one that has none is a row of zeros."""
    tables = {name.partition(".")[2]: reader.table(name) for name in NEEDS}
    found = {row["pattern"]: row for row in reader.rows(_QUERY.format(**tables))}
    none = dict.fromkeys(("started", "done", "ended_otherwise", "with_partners", "with_us"), 0)
    return [
        {"pattern": pattern, "about": title, **none, **found.get(pattern, {})} for pattern, title in _TITLES.items()
    ]


def show_patterns(out: Output, counts: Sequence[Mapping[str, Any]], days: float) -> None:
    """Show them, and say what the columns mean and where to look closer."""
    names = ("started", "done", "ended_otherwise", "with_partners", "with_us")
    rows = [(f"{row['pattern']} {row['about']}", *(row[name] for name in names)) for row in counts]
    title = f"The seven patterns, in {shown(round(days, 1))} days"
    out.table(title, COLUMNS, rows)
    out.line("Counted as done; ended otherwise; with partners; with us are, of", style="dim")
    for pattern, meaning in _MEANINGS.items():
        out.line(f"  {pattern} {meaning}", style="dim")
    for line in _CLOSER:
        out.line(line)
