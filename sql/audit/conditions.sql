-- One row per thing that is wrong or contradictory now, as the rules see it.
-- Grain: finding_id
-- Refresh: full
-- finding_id says rule and subject, so that the same cause is the same finding at every turn. What was found when, and
-- what is gone, is audit.findings.
with trail as (select * from audit.trail),

partners as (select * from core.partners),

assets as (select * from core.assets),

versions as (select * from core.asset_versions),

version_editions as (select * from core.asset_versions_history),

events as (select * from core.access_events where superseded_by is null),

deliveries as (select * from core.deliveries),

delivered as (select * from freshness.delivered),

requests as (select * from core.requests),

issues as (select * from core.issues),

notices as (select * from core.notices),

acknowledgments as (select * from core.acknowledgments),

identities as (select * from core.identities where target_id is null),

lives as (select * from freshness.version_lives),

held_copies as (select * from freshness.held_copies),

holdings as (select * from freshness.holdings),

joined as (select * from audit.deliveries_acknowledged),

quarantine as (select * from ops.quarantine),

zones as (select * from ops.zones),

seqs as (
    select subject_type, subject_id, list_sort(list(seq)) as evidence
    from trail
    group by subject_type, subject_id
),

unmatched as (
    select 'access_event' as subject_type, event_id as subject_id, partner_id, asset_id, version_no from events
    union all
    select 'delivery' as subject_type, delivery_id as subject_id, partner_id, asset_id, version_no from deliveries
    union all
    select 'acknowledgment' as subject_type, ack_id as subject_id, partner_id, asset_id, version_no from acknowledgments
),

unmatched_identities as (
    select
        'unmatched_identity' as rule,
        'warning' as severity,
        unmatched.subject_type,
        unmatched.subject_id,
        unmatched.partner_id,
        unmatched.asset_id,
        unmatched.version_no,
        case
            when unmatched.partner_id is null then 'names no partner that can be told'
            when partners.partner_id is null then 'names a partner that Trading Grid does not know'
            else 'names an asset that VIP does not know'
        end as detail
    from unmatched
    left join partners on partners.partner_id = unmatched.partner_id
    left join assets on assets.asset_id = unmatched.asset_id
    where partners.partner_id is null or assets.asset_id is null
),

ambiguous_identities as (
    select
        'ambiguous_identity' as rule,
        'error' as severity,
        'xref' as subject_type,
        entity || '|' || source_id || '|' || holds_from::varchar as subject_id,
        null::varchar as partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'two cross-references give the ' || entity || ' ' || source_id || ' different ids at once' as detail
    from identities
),

unknown_zones as (
    select
        'unknown_zone' as rule,
        'warning' as severity,
        'partner' as subject_type,
        partner_id as subject_id,
        partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'its time zone ' || coalesce(timezone, '(none)') || ' does not exist; UTC stands in' as detail
    from partners
    where not exists (select 1 from zones where zones.zone = partners.timezone)
),

notices_without_subject as (
    select
        'notice_without_subject' as rule,
        'warning' as severity,
        'notice' as subject_type,
        notice_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        'a ' || kind || ' notice names no asset or no version, so nobody owes an answer to it' as detail
    from notices
    where kind in ('publish', 'version_change', 'withdrawal', 'expiry')
        and (asset_id is null or version_no is null)
),

notices_due_before_posted as (
    select
        'notice_due_before_posted' as rule,
        'warning' as severity,
        'notice' as subject_type,
        notice_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        'its due date lies before its posting' as detail
    from notices
    where due_at < posted_at
),

acknowledged_without_bytes as (
    select
        'acknowledged_without_bytes' as rule,
        'warning' as severity,
        'acknowledgment' as subject_type,
        ack_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        'a person acknowledged a version that this partner never obtained' as detail
    from joined
    where list_contains(contradictions, 'acknowledged_without_bytes')
),

never_sent as (
    select
        'acknowledged_never_sent' as rule,
        'warning' as severity,
        'acknowledgment' as subject_type,
        ack_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        'a person acknowledged a version that this partner was neither sent nor told of' as detail
    from joined
    where ack_id is not null
        and ack_kind in ('received', 'read', 'accepted')
        and first_notified_at is null
        and first_delivered_at is null
        and first_opened_at is null
        and first_obtained_at is null
),

closed_without_delivery as (
    select
        'request_closed_without_delivery' as rule,
        'warning' as severity,
        'request' as subject_type,
        requests.request_id as subject_id,
        requests.partner_id,
        requests.asset_id,
        null::bigint as version_no,
        'the request is ' || requests.status || ', but no delivery for it ever arrived' as detail
    from requests
    where requests.status in ('delivered', 'confirmed', 'closed')
        and not exists (
            select 1
            from deliveries
            inner join delivered on delivered.delivery_id = deliveries.delivery_id
            where deliveries.request_id = requests.request_id
        )
),

resolved_but_held as (
    select
        'issue_resolved_but_held' as rule,
        case when list_max(holdings.held_versions) > issues.version_no then 'warning' else 'error' end as severity,
        'issue' as subject_type,
        issues.issue_id as subject_id,
        issues.partner_id,
        issues.asset_id,
        issues.version_no,
        'the issue is ' || issues.status || ', but its reporter still holds the faulty version' as detail
    from issues
    inner join held_copies
        on held_copies.partner_id = issues.partner_id
        and held_copies.asset_id = issues.asset_id
        and held_copies.version_no = issues.version_no
    inner join holdings
        on holdings.partner_id = issues.partner_id
        and holdings.asset_id = issues.asset_id
    where issues.status in ('partner_notified', 'confirmed')
        and issues.category in ('outdated', 'wrong_format', 'wrong_territory', 'corrupt')
),

superseded_when_delivered as (
    select
        'delivered_superseded' as rule,
        'warning' as severity,
        'delivery' as subject_type,
        delivered.delivery_id as subject_id,
        delivered.partner_id,
        delivered.asset_id,
        delivered.version_no,
        'the version was already superseded when it was delivered' as detail
    from delivered
    inner join partners on partners.partner_id = delivered.partner_id
    inner join lives
        on lives.region = partners.region
        and lives.zone = partners.zone
        and lives.asset_id = delivered.asset_id
        and lives.version_no = delivered.version_no
    group by delivered.delivery_id, delivered.partner_id, delivered.asset_id, delivered.version_no, delivered.delivered_at
    having max(coalesce(lives.ended_at, 'infinity'::timestamptz)) <= delivered.delivered_at
        and arg_max(lives.end_reason, lives.effective_at) = 'superseded'
),

content_unchanged as (
    select
        'content_change_equal_checksum' as rule,
        'warning' as severity,
        'asset_version' as subject_type,
        versions.asset_id || '|' || versions.version_no::varchar as subject_id,
        null::varchar as partner_id,
        versions.asset_id,
        versions.version_no,
        'a content change has the checksum of version ' || earlier.version_no::varchar as detail
    from versions
    inner join versions as earlier
        on earlier.asset_id = versions.asset_id
        and earlier.version_no = versions.version_no - 1
        and earlier.checksum_sha256 = versions.checksum_sha256
    where versions.change_class = 'content'
),

reused_version_numbers as (
    select
        'version_number_reused' as rule,
        'error' as severity,
        'asset_version' as subject_type,
        asset_id || '|' || version_no::varchar as subject_id,
        null::varchar as partner_id,
        asset_id,
        version_no,
        'the version number came back with another checksum' as detail
    from version_editions
    group by asset_id, version_no
    having count(distinct checksum_sha256) > 1
),

quarantined as (
    select
        'quarantined_records' as rule,
        'warning' as severity,
        'stream' as subject_type,
        stream as subject_id,
        null::varchar as partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'records of ' || stream || ' were rejected on arrival; see ops.quarantine' as detail
    from quarantine
    group by stream
),

every_rule as (
    select * from unmatched_identities
    union all
    select * from ambiguous_identities
    union all
    select * from unknown_zones
    union all
    select * from notices_without_subject
    union all
    select * from notices_due_before_posted
    union all
    select * from acknowledged_without_bytes
    union all
    select * from never_sent
    union all
    select * from closed_without_delivery
    union all
    select * from resolved_but_held
    union all
    select * from superseded_when_delivered
    union all
    select * from content_unchanged
    union all
    select * from reused_version_numbers
    union all
    select * from quarantined
),

conditions as (
    select
        every_rule.rule || ':' || every_rule.subject_type || ':' || every_rule.subject_id as finding_id,
        every_rule.*,
        coalesce(seqs.evidence, []) as evidence
    from every_rule
    left join seqs
        on seqs.subject_type = every_rule.subject_type
        and seqs.subject_id = every_rule.subject_id
)

select * from conditions
