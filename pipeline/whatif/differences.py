"""Differences: what is otherwise once it is as supposed, as rows.

Belongs here: the questions to the two sets of tables that ``pipeline.whatif.supposing`` leaves. Does not belong here:
rules (``sql/``), words for people (``cli``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.sqlmodels.relations import Connection, Question
from pipeline.whatif.supposing import Wanted

ACCESS_RULES: Final = "access_rules"
COMPARED: Final = (
    "freshness.positions",
    "freshness.version_terms",
    "freshness.entitlements",
    "freshness.obligations",
    "freshness.readiness",
    "sync.notice_candidates",
)
WANTED: Final = Wanted(
    (
        *COMPARED,
        "freshness.held_copies",
        "core.partners",
        "core.assets",
        "core.access_events",
        "core.campaigns",
    ),
    COMPARED,
)
Rows = list[dict[str, Any]]


def rows(connection: Connection, query: str, parameters: Mapping[str, object] | None = None) -> Rows:
    """Ask, and return the rows by column name."""
    relation = connection.sql(query, params=dict(parameters or {}))
    names = relation.columns
    return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]


def changed_positions(connection: Connection) -> Rows:
    """Return the pairs whose position, target, flags or entitlement are otherwise."""
    return rows(connection, _POSITIONS)


def counted_moves(changed: Sequence[Mapping[str, Any]]) -> Rows:
    """Count the pairs by the positions that they leave and take, the largest first."""
    counts: dict[tuple[str | None, str | None], list[set[Any]]] = {}
    for row in changed:
        pairs, partners = counts.setdefault((row["from_position"], row["to_position"]), [set(), set()])
        pairs.add((row["partner_id"], row["asset_id"]))
        partners.add(row["partner_id"])
    ordered = sorted(counts.items(), key=lambda item: (-len(item[1][0]), str(item[0])))
    return [
        {"from": left, "to": taken, "pairs": len(pairs), "partners": len(partners)}
        for (left, taken), (pairs, partners) in ordered
    ]


def to_be_told(connection: Connection, question: Question) -> Rows:
    """Return who would have to be told what: the notices that would become due, and changed rules of access.

    ``is_sent`` says whether a notice of that kind is sent by itself, else a person has to tell.
    """
    return rows(connection, _TO_BE_TOLD, {"as_of": question.as_of})


def not_told(connection: Connection, question: Question) -> Rows:
    """Return who is concerned and would hear nothing, and why."""
    return rows(connection, _NOT_TOLD, {"as_of": question.as_of})


def no_longer_due(connection: Connection) -> Rows:
    """Return the notices that would be sent as things are, and would not be as supposed."""
    return rows(connection, _NO_LONGER_DUE)


def campaigns_touched(connection: Connection) -> Rows:
    """Return the campaigns that are not over, by item and partner, whose launch or readiness is otherwise."""
    return rows(connection, _CAMPAIGNS)


def changed_obligations(connection: Connection) -> Rows:
    """Return the obligations whose state is otherwise."""
    return rows(connection, _OBLIGATIONS)


def holders(connection: Connection) -> Rows:
    """Return every copy of the assets in question that somebody holds, those of unknown version with them."""
    return rows(connection, _HOLDERS)


def unmatched_downloads(connection: Connection, question: Question) -> Rows:
    """Return the downloads of the assets that cannot be matched to a partner: their takers may be holders too."""
    return rows(connection, _UNMATCHED, {"as_of": question.as_of})


_SAME: Final = (
    "position",
    "position_rule",
    "target_version_no",
    "grace_until",
    "entitled",
    "is_outdated",
    "is_exposed",
    "holds_withdrawn",
    "holds_expired",
    "holds_barred",
    "residual_old_copy",
)
_POSITIONS: Final = f"""
    select
        coalesce(is_now.partner_id, would_be.partner_id) as partner_id,
        partners.name as partner_name,
        partners.region,
        coalesce(is_now.asset_id, would_be.asset_id) as asset_id,
        is_now.position as from_position,
        would_be.position as to_position,
        is_now.position_rule as from_rule,
        would_be.position_rule as to_rule,
        is_now.target_version_no as from_target_version_no,
        would_be.target_version_no as to_target_version_no,
        coalesce(would_be.held_versions, is_now.held_versions) as held_versions,
        coalesce(is_now.is_exposed, false) as was_exposed,
        coalesce(would_be.is_exposed, false) as is_exposed,
        coalesce(is_now.is_outdated, false) as was_outdated,
        coalesce(would_be.is_outdated, false) as is_outdated,
        coalesce(is_now.entitled, false) as was_entitled,
        coalesce(would_be.entitled, false) as entitled,
        would_be.grace_until,
        would_be.next_change_at
    from before.positions as is_now
    full join freshness.positions as would_be
        on would_be.partner_id = is_now.partner_id and would_be.asset_id = is_now.asset_id
    left join core.partners as partners on partners.partner_id = coalesce(is_now.partner_id, would_be.partner_id)
    where {" or ".join(f"is_now.{name} is distinct from would_be.{name}" for name in _SAME)}
    order by to_position nulls last, from_position nulls last, asset_id, partner_id
"""  # noqa: S608 - names of ours
_NEWLY_DUE: Final = """
    newly_due as (
        select candidates.*
        from sync.notice_candidates as candidates
        left join before.notice_candidates as already
            on already.candidate_key = candidates.candidate_key and already.suppression_reason is null
        where candidates.suppression_reason is null and already.candidate_key is null
    ),
    newly_barred as (
        select terms.region, terms.zone, terms.asset_id, terms.version_no
        from freshness.version_terms as terms
        inner join before.version_terms as already
            on already.region = terms.region and already.zone = terms.zone
            and already.asset_id = terms.asset_id and already.version_no = terms.version_no
        where terms.is_barred and not already.is_barred
    ),
    held_barred as (
        select copies.partner_id, copies.asset_id, copies.version_no
        from freshness.held_copies as copies
        inner join core.partners as partners on partners.partner_id = copies.partner_id
        inner join newly_barred
            on newly_barred.region = partners.region and newly_barred.zone = partners.zone
            and newly_barred.asset_id = copies.asset_id and newly_barred.version_no = copies.version_no
    ),
    target_barred as (
        select positions.partner_id, positions.asset_id, positions.target_version_no as version_no
        from before.positions as positions
        inner join core.partners as partners on partners.partner_id = positions.partner_id
        inner join newly_barred
            on newly_barred.region = partners.region and newly_barred.zone = partners.zone
            and newly_barred.asset_id = positions.asset_id and newly_barred.version_no = positions.target_version_no
        where positions.entitled
    ),
    lost as (
        select already.partner_id, already.asset_id
        from before.entitlements as already
        left join freshness.entitlements as entitlements
            on entitlements.partner_id = already.partner_id and entitlements.asset_id = already.asset_id
        where already.entitled and not coalesce(entitlements.entitled, false)
    ),
    rules_changed as (
        select partner_id, asset_id, version_no, 'holds_a_version_that_is_barred_for_it' as rule from held_barred
        union
        select partner_id, asset_id, version_no, 'may_no_longer_use_its_target' as rule from target_barred
        anti join held_barred using (partner_id, asset_id, version_no)
        union
        select partner_id, asset_id, null as version_no, 'may_no_longer_download_it' as rule from lost
    )
"""
_TO_BE_TOLD: Final = f"""
    with {_NEWLY_DUE},
    told as (
        select partner_id, asset_id, version_no, kind, rule, notice_due_at, true as is_sent from newly_due
        union all
        select rules_changed.partner_id, asset_id, version_no, '{ACCESS_RULES}' as kind, rule, $as_of, false
        from rules_changed
        inner join core.partners as partners on partners.partner_id = rules_changed.partner_id
        where partners.gone_from is null or partners.gone_from > $as_of
    )
    select told.*, partners.name as partner_name, partners.region
    from told
    left join core.partners as partners on partners.partner_id = told.partner_id
    order by is_sent desc, kind, asset_id, version_no, partner_id, rule
"""  # noqa: S608 - names of ours
_NOT_TOLD: Final = f"""
    with {_NEWLY_DUE},
    touched as (
        select terms.region, terms.zone, terms.asset_id, terms.version_no
        from freshness.version_terms as terms
        inner join before.version_terms as already
            on already.region = terms.region and already.zone = terms.zone
            and already.asset_id = terms.asset_id and already.version_no = terms.version_no
        where (terms.is_barred, terms.effective_at, terms.withdrawn_from, terms.expires_at)
            is distinct from (already.is_barred, already.effective_at, already.withdrawn_from, already.expires_at)
    ),
    concerned as (
        select positions.partner_id, positions.asset_id
        from freshness.positions as positions
        left join before.positions as is_now
            on is_now.partner_id = positions.partner_id and is_now.asset_id = positions.asset_id
        where (positions.position, positions.target_version_no, positions.is_exposed, positions.entitled)
            is distinct from (is_now.position, is_now.target_version_no, is_now.is_exposed, is_now.entitled)
        union
        select copies.partner_id, copies.asset_id
        from freshness.held_copies as copies
        inner join core.partners as partners on partners.partner_id = copies.partner_id
        inner join touched
            on touched.region = partners.region and touched.zone = partners.zone
            and touched.asset_id = copies.asset_id
            and (copies.version_no is null or copies.version_no = touched.version_no)
    ),
    hearing as (
        select partner_id, asset_id from newly_due
        union
        select rules_changed.partner_id, rules_changed.asset_id
        from rules_changed
        inner join core.partners as partners on partners.partner_id = rules_changed.partner_id
        where partners.gone_from is null or partners.gone_from > $as_of
    ),
    suppressed as (
        select partner_id, asset_id, min(suppression_reason) as reason
        from sync.notice_candidates
        where suppression_reason is not null
        group by partner_id, asset_id
    ),
    due_anyway as (
        select distinct partner_id, asset_id from sync.notice_candidates where suppression_reason is null
    ),
    silent as (select * from concerned anti join hearing using (partner_id, asset_id))
    select
        silent.partner_id,
        partners.name as partner_name,
        partners.region,
        silent.asset_id,
        positions.position,
        case
            when partners.gone_from <= $as_of then 'partner_left'
            when suppressed.reason is not null then suppressed.reason
            when due_anyway.partner_id is not null then 'due_anyway'
            when positions.position = 'never_held' or positions.position = 'nothing_to_hold' then 'never_obtained_it'
            when positions.position = 'cleared' then 'holds_nothing'
            when positions.holds_unknown and len(positions.held_versions) = 0 then 'holds_an_unknown_version'
            when positions.position = 'current' then 'holds_the_target'
            when positions.holds_barred then 'barred'
            when positions.position = 'no_target' then 'nothing_to_change_to'
            else 'nothing_is_due'
        end as reason
    from silent
    left join core.partners as partners on partners.partner_id = silent.partner_id
    left join freshness.positions as positions
        on positions.partner_id = silent.partner_id and positions.asset_id = silent.asset_id
    left join suppressed on suppressed.partner_id = silent.partner_id and suppressed.asset_id = silent.asset_id
    left join due_anyway on due_anyway.partner_id = silent.partner_id and due_anyway.asset_id = silent.asset_id
    order by reason, asset_id, partner_id
"""  # noqa: S608 - names of ours
_NO_LONGER_DUE: Final = """
    select already.partner_id, partners.name as partner_name, partners.region, already.asset_id, already.version_no,
        already.kind, already.notice_due_at
    from before.notice_candidates as already
    left join sync.notice_candidates as candidates
        on candidates.candidate_key = already.candidate_key and candidates.suppression_reason is null
    left join core.partners as partners on partners.partner_id = already.partner_id
    where already.suppression_reason is null and candidates.candidate_key is null
    order by already.kind, already.asset_id, already.version_no, already.partner_id
"""
_CAMPAIGNS: Final = """
    select campaigns.campaign_id, campaigns.name as campaign_name, campaigns.status,
        coalesce(is_now.partner_id, would_be.partner_id) as partner_id, partners.name as partner_name, partners.region,
        coalesce(is_now.asset_id, would_be.asset_id) as asset_id,
        coalesce(is_now.launch_at, would_be.launch_at) as launch_at,
        coalesce(is_now.is_required, would_be.is_required) as is_required,
        is_now.launch_version_no as from_version_no, would_be.launch_version_no as to_version_no,
        is_now.state as from_state, would_be.state as to_state,
        coalesce(is_now.is_ready, false) as was_ready, coalesce(would_be.is_ready, false) as is_ready,
        is_now.blocked_by as from_blocked_by, would_be.blocked_by as to_blocked_by
    from before.readiness as is_now
    full join freshness.readiness as would_be
        on would_be.partner_id = is_now.partner_id and would_be.asset_id = is_now.asset_id
        and would_be.campaign_id = is_now.campaign_id
    inner join core.campaigns as campaigns
        on campaigns.campaign_id = coalesce(is_now.campaign_id, would_be.campaign_id)
        and campaigns.status in ('planning', 'ready', 'launched')
    left join core.partners as partners on partners.partner_id = coalesce(is_now.partner_id, would_be.partner_id)
    where (is_now.launch_version_no, is_now.state, is_now.is_ready, is_now.blocked_by)
        is distinct from (would_be.launch_version_no, would_be.state, would_be.is_ready, would_be.blocked_by)
    order by campaigns.campaign_id, asset_id, partners.partner_id
"""
_OBLIGATIONS: Final = """
    select coalesce(is_now.partner_id, would_be.partner_id) as partner_id, partners.name as partner_name,
        coalesce(is_now.asset_id, would_be.asset_id) as asset_id,
        coalesce(is_now.version_no, would_be.version_no) as version_no, coalesce(is_now.kind, would_be.kind) as kind,
        is_now.state as from_state, would_be.state as to_state
    from before.obligations as is_now
    full join freshness.obligations as would_be
        on would_be.partner_id = is_now.partner_id and would_be.asset_id = is_now.asset_id
        and would_be.version_no = is_now.version_no and would_be.kind = is_now.kind
    left join core.partners as partners on partners.partner_id = coalesce(is_now.partner_id, would_be.partner_id)
    where is_now.state is distinct from would_be.state
    order by to_state nulls last, from_state nulls last, asset_id, version_no, kind, partner_id
"""
_HOLDERS: Final = """
    select copies.partner_id, partners.name as partner_name, partners.region, partners.status, copies.asset_id,
        copies.version_no, copies.copies, copies.first_obtained_at, copies.last_obtained_at, positions.position
    from freshness.held_copies as copies
    left join core.partners as partners on partners.partner_id = copies.partner_id
    left join freshness.positions as positions
        on positions.partner_id = copies.partner_id and positions.asset_id = copies.asset_id
    order by copies.asset_id, copies.version_no nulls first, copies.partner_id
"""
_UNMATCHED: Final = """
    select event_id, asset_id, version_no, vector, occurred_at, source_partner_id, source_user_id
    from core.access_events
    where partner_id is null and asset_id is not null and event_type = 'downloaded' and superseded_by is null
        and occurred_at <= $as_of
    order by occurred_at, event_id
"""
