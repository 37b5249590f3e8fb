-- One row per campaign, partner and asset of one of its packages: how far the partner is with what will be live at
-- launch.
-- Grain: partner_id, asset_id, campaign_id
-- Refresh: full
-- docs/domain.md, 9, P6; 11, K10. launch_version_no is the version whose life in the partner's place covers the launch,
-- resolved there. state: waived, confirmed (at the campaign's rung on that version), obtained, invalidated (was at the
-- rung on the version that was to be live then, until approval or withdrawal changed it), sent, required. sent_at is
-- null where the partner fetched it without being told. Nothing is latched: it follows from the evidence as of the
-- instant asked for. not_required_because says why a row counts in no rate, blocked_by what stands in the way whatever
-- the partner does (embargo: it may obtain the asset only later, but before the launch).
with campaigns as (select * from core.campaigns),

campaign_partners as (select * from core.campaign_partners),

campaign_tasks as (
    select * from core.campaign_tasks where status = 'waived' and kind in ('readiness', 'confirmation')
),

packages as (select * from core.packages where campaign_id is not null),

package_items as (select * from core.package_items),

partners as (select * from core.partners),

assets as (select * from core.assets),

versions as (select * from core.asset_versions),

zones as (select * from ops.zones),

terms as (select * from freshness.version_terms),

lives as (select * from freshness.version_lives),

rights as (select * from freshness.access_rights where to_obtain = 'ok' and holds_until > $as_of),

evidence as (select * from freshness.readiness_evidence),

notices as (select * from core.notices where kind = 'launch_package' and package_id is not null),

items as (
    select
        packages.campaign_id,
        package_items.asset_id,
        bool_or(coalesce(package_items.required, true)) as is_item_required,
        list_sort(list(packages.package_id)) as package_ids
    from packages
    inner join package_items on package_items.package_id = packages.package_id
    group by packages.campaign_id, package_items.asset_id
),

waivers as (
    select campaigns.campaign_id, campaign_partners.partner_id
    from campaigns
    inner join campaign_partners on campaign_partners.campaign_id = campaigns.campaign_id
    inner join campaign_tasks
        on campaign_tasks.campaign_id = campaigns.campaign_id
        and (campaign_tasks.partner_id = campaign_partners.partner_id or campaign_tasks.partner_id is null)
    group by campaigns.campaign_id, campaign_partners.partner_id
),

rows_wanted as (
    select
        campaign_partners.partner_id,
        items.asset_id,
        campaigns.campaign_id,
        partners.region,
        partners.zone,
        coalesce(campaigns.required_rung, 5) as required_rung,
        local_to_instant(
            campaigns.launch_local,
            case campaigns.launch_policy
                when 'partner_local' then partners.zone
                when 'publisher_local' then coalesce(zones.zone, 'UTC')
                else 'UTC'
            end
        ) as launch_at,
        items.package_ids,
        waivers.campaign_id is not null as is_waived,
        case
            when campaigns.status = 'cancelled' then 'campaign_cancelled'
            when not coalesce(campaign_partners.required, true) then 'partner_not_required'
            when not items.is_item_required then 'item_not_required'
            when partners.gone_from <= $as_of then 'partner_left'
            when assets.deleted_at <= $as_of then 'asset_deleted'
            when waivers.campaign_id is not null then 'waived'
        end as not_required_because,
        least(
            case when partners.gone_from > $as_of then partners.gone_from end,
            case when assets.deleted_at > $as_of then assets.deleted_at end
        ) as next_change_at
    from campaign_partners
    inner join campaigns on campaigns.campaign_id = campaign_partners.campaign_id
    inner join items on items.campaign_id = campaigns.campaign_id
    inner join partners on partners.partner_id = campaign_partners.partner_id
    inner join assets on assets.asset_id = items.asset_id
    left join zones on zones.zone = campaigns.launch_timezone
    left join waivers
        on waivers.campaign_id = campaigns.campaign_id
        and waivers.partner_id = campaign_partners.partner_id
),

aimed as (
    select
        rows_wanted.*,
        lives.version_no as launch_version_no,
        versions.approved_at as launch_version_approved_at
    from rows_wanted
    left join lives
        on lives.region = rows_wanted.region
        and lives.zone = rows_wanted.zone
        and lives.asset_id = rows_wanted.asset_id
        and lives.effective_at <= rows_wanted.launch_at
        and (lives.ended_at is null or lives.ended_at > rows_wanted.launch_at)
    left join versions
        on versions.asset_id = lives.asset_id
        and versions.version_no = lives.version_no
),

contenders as (
    select
        aimed.partner_id,
        aimed.asset_id,
        aimed.campaign_id,
        terms.version_no,
        terms.effective_at,
        versions.approved_at,
        terms.withdrawn_from,
        terms.expires_at > aimed.launch_at or terms.expires_at is null as outlasts_launch
    from aimed
    inner join terms
        on terms.region = aimed.region
        and terms.zone = aimed.zone
        and terms.asset_id = aimed.asset_id
        and terms.effective_at <= aimed.launch_at
    inner join versions
        on versions.asset_id = terms.asset_id
        and versions.version_no = terms.version_no
    where terms.approval_status in ('approved', 'revoked')
        and not terms.is_barred
        and (terms.withdrawn_from is null or terms.withdrawn_from > terms.effective_at)
        and (terms.expires_at is null or terms.expires_at > terms.effective_at)
),

overtaken as (
    select
        earlier.partner_id,
        earlier.asset_id,
        earlier.campaign_id,
        earlier.version_no,
        least(earlier.withdrawn_from, min(later.approved_at)) as stood_until
    from contenders as earlier
    left join contenders as later
        on later.partner_id = earlier.partner_id
        and later.asset_id = earlier.asset_id
        and later.campaign_id = earlier.campaign_id
        and (
            later.effective_at > earlier.effective_at
            or (later.effective_at = earlier.effective_at and later.version_no > earlier.version_no)
        )
    where earlier.outlasts_launch
    group by
        earlier.partner_id,
        earlier.asset_id,
        earlier.campaign_id,
        earlier.version_no,
        earlier.approved_at,
        earlier.withdrawn_from
    having least(earlier.withdrawn_from, min(later.approved_at)) > earlier.approved_at
),

confirmed_before as (
    select
        overtaken.partner_id,
        overtaken.asset_id,
        overtaken.campaign_id,
        overtaken.version_no,
        overtaken.stood_until
    from overtaken
    inner join aimed
        on aimed.partner_id = overtaken.partner_id
        and aimed.asset_id = overtaken.asset_id
        and aimed.campaign_id = overtaken.campaign_id
    inner join evidence
        on evidence.partner_id = overtaken.partner_id
        and evidence.asset_id = overtaken.asset_id
        and evidence.version_no = overtaken.version_no
        and evidence.evidence_rung >= aimed.required_rung
        and evidence.reached_at < overtaken.stood_until
        and (evidence.lost_at is null or evidence.lost_at > overtaken.stood_until)
    where overtaken.version_no is distinct from aimed.launch_version_no
    group by all
),

invalidated as (
    select
        partner_id,
        asset_id,
        campaign_id,
        max(stood_until) filter (where stood_until <= $as_of) as invalidated_at,
        arg_max(version_no, stood_until) filter (where stood_until <= $as_of) as invalidated_version_no,
        min(stood_until) filter (where stood_until > $as_of) as next_change_at
    from confirmed_before
    group by partner_id, asset_id, campaign_id
),

reached as (
    select
        aimed.partner_id,
        aimed.asset_id,
        aimed.campaign_id,
        max(evidence.evidence_rung) filter (where evidence.reached_at <= $as_of) as evidence_rung,
        min(evidence.reached_at) filter (
            where evidence.reached_at <= $as_of and evidence.evidence_rung <= 2
        ) as sent_at,
        min(evidence.reached_at) filter (
            where evidence.reached_at <= $as_of and evidence.evidence_rung >= 4
        ) as obtained_at,
        min(evidence.reached_at) filter (
            where evidence.reached_at <= $as_of and evidence.evidence_rung >= aimed.required_rung
        ) as confirmed_at,
        min(case when evidence.reached_at > $as_of then evidence.reached_at else evidence.lost_at end) as next_change_at
    from aimed
    inner join evidence
        on evidence.partner_id = aimed.partner_id
        and evidence.asset_id = aimed.asset_id
        and evidence.version_no = aimed.launch_version_no
    where evidence.lost_at is null or evidence.lost_at > $as_of
    group by aimed.partner_id, aimed.asset_id, aimed.campaign_id
),

packaged as (
    select
        aimed.partner_id,
        aimed.asset_id,
        aimed.campaign_id,
        min(notices.posted_at) filter (where notices.posted_at <= $as_of) as packaged_at,
        min(case when notices.posted_at > $as_of then notices.posted_at else notices.retracted_at end) as next_change_at
    from aimed
    inner join notices
        on notices.partner_id = aimed.partner_id
        and list_contains(aimed.package_ids, notices.package_id)
        and notices.posted_at >= aimed.launch_version_approved_at
    where notices.retracted_at is null or notices.retracted_at > $as_of
    group by aimed.partner_id, aimed.asset_id, aimed.campaign_id
),

barred as (
    select
        aimed.partner_id,
        aimed.asset_id,
        aimed.campaign_id,
        bool_or(terms.is_barred) as is_barred
    from aimed
    inner join terms
        on terms.region = aimed.region
        and terms.zone = aimed.zone
        and terms.asset_id = aimed.asset_id
        and terms.effective_at <= aimed.launch_at
    where aimed.launch_version_no is null
    group by aimed.partner_id, aimed.asset_id, aimed.campaign_id
),

allowed as (
    select
        aimed.partner_id,
        aimed.asset_id,
        aimed.campaign_id,
        coalesce(bool_or(rights.holds_from <= $as_of), false) as is_allowed,
        coalesce(
            bool_or(rights.holds_from <= greatest(aimed.launch_at, $as_of)), false
        ) as is_allowed_in_time,
        min(case when rights.holds_from > $as_of then rights.holds_from else rights.holds_until end) as next_change_at
    from aimed
    inner join partners on partners.partner_id = aimed.partner_id
    inner join rights
        on rights.partner_id = aimed.partner_id
        and rights.asset_id = aimed.asset_id
    where partners.status is distinct from 'suspended'
    group by aimed.partner_id, aimed.asset_id, aimed.campaign_id
),

joined as (
    select
        aimed.partner_id,
        aimed.asset_id,
        aimed.campaign_id,
        aimed.launch_at,
        aimed.launch_version_no,
        aimed.required_rung,
        coalesce(reached.evidence_rung, case when packaged.packaged_at is not null then 1 end, 0) as evidence_rung,
        least(reached.sent_at, packaged.packaged_at) as sent_at,
        reached.obtained_at,
        reached.confirmed_at,
        invalidated.invalidated_at,
        invalidated.invalidated_version_no,
        aimed.not_required_because,
        aimed.not_required_because is not distinct from 'waived' as is_waived,
        case
            when aimed.launch_at is null then 'no_launch_date'
            when aimed.launch_version_no is null and barred.is_barred then 'barred'
            when aimed.launch_version_no is null then 'no_version'
            when reached.obtained_at is null and not coalesce(allowed.is_allowed_in_time, false) then 'not_entitled'
            when reached.obtained_at is null and not allowed.is_allowed then 'embargo'
        end as blocked_by,
        aimed.package_ids,
        least(
            aimed.next_change_at,
            reached.next_change_at,
            invalidated.next_change_at,
            packaged.next_change_at,
            nullif(allowed.next_change_at, 'infinity'::timestamptz)
        ) as next_change_at
    from aimed
    left join reached
        on reached.partner_id = aimed.partner_id
        and reached.asset_id = aimed.asset_id
        and reached.campaign_id = aimed.campaign_id
    left join packaged
        on packaged.partner_id = aimed.partner_id
        and packaged.asset_id = aimed.asset_id
        and packaged.campaign_id = aimed.campaign_id
    left join invalidated
        on invalidated.partner_id = aimed.partner_id
        and invalidated.asset_id = aimed.asset_id
        and invalidated.campaign_id = aimed.campaign_id
    left join barred
        on barred.partner_id = aimed.partner_id
        and barred.asset_id = aimed.asset_id
        and barred.campaign_id = aimed.campaign_id
    left join allowed
        on allowed.partner_id = aimed.partner_id
        and allowed.asset_id = aimed.asset_id
        and allowed.campaign_id = aimed.campaign_id
),

stated as (
    select
        *,
        not_required_because is null as is_required,
        case
            when is_waived then 'waived'
            when confirmed_at is not null then 'confirmed'
            when obtained_at is not null then 'obtained'
            when invalidated_at is not null then 'invalidated'
            when evidence_rung >= 1 then 'sent'
            else 'required'
        end as state
    from joined
),

readiness as (
    select
        * exclude (next_change_at),
        confirmed_at is not null as is_ready,
        next_change_at
    from stated
)

select * from readiness
