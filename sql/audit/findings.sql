-- One row per finding: what was found wrong or contradictory, when it was first seen, and whether it still is.
-- Grain: finding_id
-- Refresh: full
-- After: ledger.findings
-- Published with: as_of
-- A fold of the journal; last_seen_at is when it was closed, and while it is open the turn that was computed last.
with entries as (select * from ledger.entries where kind in ('finding_opened', 'finding_closed')),

question as (select * from ops.question),

conditions as (select * from audit.conditions),

opened as (
    select
        source_id as finding_id,
        min(known_at) as first_seen_at,
        max(seq) as opened_seq,
        arg_max(data, seq) as data,
        count(*) as times_opened
    from entries
    where kind = 'finding_opened'
    group by source_id
),

closed as (
    select source_id as finding_id, max(seq) as closed_seq, arg_max(known_at, seq) as closed_at
    from entries
    where kind = 'finding_closed'
    group by source_id
),

findings as (
    select
        opened.finding_id,
        json_extract_string(opened.data, '$.rule') as rule,
        coalesce(conditions.severity, json_extract_string(opened.data, '$.severity')) as severity,
        json_extract_string(opened.data, '$.partner_id') as partner_id,
        json_extract_string(opened.data, '$.asset_id') as asset_id,
        as_integer(json_extract_string(opened.data, '$.version_no')) as version_no,
        coalesce(conditions.detail, json_extract_string(opened.data, '$.detail')) as detail,
        opened.first_seen_at,
        case when closed.closed_seq > opened.opened_seq then closed.closed_at else question.known_at end as last_seen_at,
        case when closed.closed_seq > opened.opened_seq then 'closed' else 'open' end as status,
        opened.times_opened,
        coalesce(conditions.evidence, []) as evidence
    from opened
    cross join question
    left join closed on closed.finding_id = opened.finding_id
    left join conditions on conditions.finding_id = opened.finding_id
)

select * from findings
