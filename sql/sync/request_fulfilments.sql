-- One row per request that is not over: the version that is to be delivered, how far that is, and the next step, if one is due.
-- Grain: request_id
-- Refresh: full
-- docs/patterns/requests.md. Everything is looked at as it is now: entitlement, territory, and the version that lives for
-- the partner's place. next_step is null where something is waited for; rule says why it is taken, or what for. A round's
-- deliveries are those of the matched asset since round_from, whoever made them.
with states as (select * from sync.request_states),

matches as (select * from sync.request_matches),

assets as (select * from core.assets),

asset_names as (select * from sync.asset_names),

asset_versions as (select * from core.asset_versions),

entitlements as (select partner_id, asset_id from freshness.entitlements where entitled),

lives as (
    select *
    from freshness.version_lives
    where effective_at <= $as_of and (ended_at is null or ended_at > $as_of)
),

terms as (select * from freshness.version_terms),

deliveries as (select * from core.deliveries where request_id is not null),

delivered as (select delivery_id, delivered_at from freshness.delivered where delivered_at <= $as_of),

settings as (select * from ops.fulfilment_settings),

-- Not barred for the partner alone: nothing of the asset may be used where it is.
barred as (
    select region, zone, asset_id
    from terms
    where approval_status = 'approved' and effective_at <= $as_of
    group by region, zone, asset_id
    having
        bool_or(
            is_barred
            and (withdrawn_from is null or withdrawn_from > $as_of)
            and (expires_at is null or expires_at > $as_of)
        )
),

matched as (
    select
        states.*,
        matches.verdict,
        matches.how,
        matches.candidates,
        matches.answered_at,
        matches.asset_id as matched_asset_id,
        lives.version_no as target_version_no,
        lives.effective_at as target_since,
        versions.restricted_regions,
        entitlements.asset_id is not null as is_entitled,
        barred.asset_id is not null as is_barred,
        coalesce(
            states.territory is not null and states.territory <> '' and states.region <> ''
            and not (
                states.territory = states.region
                or starts_with(states.region, states.territory || '-')
                or starts_with(states.territory, states.region || '-')
            ),
            false
        ) as is_outside,
        coalesce(is_barred_region(versions.restricted_regions, states.territory), false) as is_territory_barred
    from states
    left join matches on matches.request_id = states.request_id
    left join lives
        on lives.region = states.region
        and lives.zone = states.zone
        and lives.asset_id = matches.asset_id
    left join asset_versions as versions
        on versions.asset_id = lives.asset_id
        and versions.version_no = lives.version_no
    left join entitlements
        on entitlements.partner_id = states.partner_id
        and entitlements.asset_id = matches.asset_id
    left join barred
        on barred.region = states.region
        and barred.zone = states.zone
        and barred.asset_id = matches.asset_id
),

sent as (
    select
        matched.request_id,
        deliveries.delivery_id,
        deliveries.channel,
        deliveries.status,
        coalesce(deliveries.created_at, deliveries.status_at) as sent_at,
        delivered.delivered_at,
        deliveries.partner_id = matched.partner_id
        and deliveries.asset_id = matched.matched_asset_id
        and coalesce(deliveries.created_at, deliveries.status_at) >= matched.round_from as is_of_round,
        deliveries.version_no = matched.target_version_no as is_of_target,
        deliveries.version_no = matched.target_version_no
        and deliveries.partner_id = matched.partner_id
        and deliveries.asset_id = matched.matched_asset_id
        and coalesce(deliveries.created_at, deliveries.status_at) >= matched.round_from
        and delivered.delivered_at >= matched.target_since as is_right
    from matched
    inner join deliveries on deliveries.request_id = matched.request_id
    left join delivered on delivered.delivery_id = deliveries.delivery_id
),

sendings as (
    select
        request_id,
        count(*) as deliveries,
        count(*) filter (where is_of_round and status in ('failed', 'expired') and delivered_at is null) as failures,
        list_sort(list_distinct(list(channel) filter (where is_of_round and status = 'failed'))) as failed_channels,
        coalesce(bool_or(is_of_round and is_of_target and status in ('queued', 'in_progress')), false) as is_on_its_way,
        coalesce(bool_or(is_of_round and not is_of_target), false) as is_of_other_version,
        coalesce(
            arg_max(status = 'cancelled' and delivered_at is null, (sent_at, delivery_id)) filter (where is_of_round),
            false
        ) as is_stopped,
        arg_max(delivery_id, (delivered_at, delivery_id)) filter (where is_right) as delivery_id,
        arg_max(channel, (delivered_at, delivery_id)) filter (where is_right) as channel,
        max(delivered_at) filter (where is_right) as delivered_at
    from sent
    group by request_id
),

judged as (
    select
        matched.*,
        coalesce(sendings.deliveries, 0) as deliveries,
        coalesce(sendings.failures, 0) as failures,
        coalesce(sendings.failed_channels, []) as failed_channels,
        coalesce(sendings.is_on_its_way, false) as is_on_its_way,
        coalesce(sendings.is_stopped, false) as is_stopped,
        coalesce(sendings.is_of_other_version, false) as is_of_other_version,
        sendings.delivery_id,
        sendings.channel,
        sendings.delivered_at,
        case
            when matched.verdict = 'none' then 'unknown_asset'
            when matched.verdict = 'not_entitled' then 'not_entitled'
            when matched.verdict <> 'one' then null
            when not matched.is_entitled then 'not_entitled'
            when matched.is_outside then 'outside_territory'
            when matched.is_territory_barred then 'barred_region'
            when matched.target_version_no is null and matched.is_barred then 'barred_region'
            when matched.target_version_no is null then 'no_approved_version'
        end as objection,
        settings.channels[1 + coalesce(sendings.failures, 0) % len(settings.channels)] as next_channel,
        settings.max_deliveries,
        settings.max_questions,
        settings.expires_after_seconds,
        matched.asked_at + to_seconds(settings.answer_within_seconds) as answer_by_at
    from matched
    cross join settings
    left join sendings on sendings.request_id = matched.request_id
),

ruled as (
    select
        *,
        case
            when status = 'delivered' then 'the_partner_has_to_confirm'
            when status = 'confirmed' then 'confirmed'
            when status = 'waiting_partner' and not is_asked_by_us then 'a_person_asked'
            when status = 'waiting_partner' and answered_at is not null and answered_at >= asked_at then 'answered'
            when status = 'waiting_partner' and answer_by_at <= $as_of then 'ambiguous_query'
            when status = 'waiting_partner' then 'the_partner_has_to_answer'
            when verdict = 'unresolved' then 'unmatched_identity'
            when objection is not null then objection
            when status in ('new', 'reopened', 'accepted') and verdict = 'several' then 'to_be_asked_back'
            when status in ('new', 'reopened', 'accepted') then 'matched'
            when verdict = 'several' and questions >= max_questions then 'ambiguous_query'
            when verdict = 'several' then 'to_be_asked_back'
            when delivered_at is not null then 'delivered'
            when is_on_its_way then 'on_its_way'
            when is_stopped then 'a_person_stopped_the_delivery'
            when failures >= max_deliveries then 'delivery_failed'
            when vip_partner_id is null then 'unmatched_identity'
            when failures > 0 then 'delivery_failed_before'
            when is_of_other_version then 'version_changed_under_way'
            else 'to_be_delivered'
        end as rule
    from judged
),

fulfilments as (
    select
        ruled.*,
        assets.title,
        assets.classification,
        asset_names.trading_grid_asset_id,
        case
            when ruled.rule in (
                'unknown_asset', 'not_entitled', 'outside_territory', 'barred_region', 'no_approved_version',
                'ambiguous_query', 'delivery_failed'
            )
                then 'denied'
            when ruled.rule = 'confirmed' then 'closed'
            when ruled.rule = 'answered' then 'in_progress'
            when ruled.rule in ('matched', 'to_be_asked_back') and ruled.status in ('new', 'reopened') then 'accepted'
            when ruled.rule in ('matched', 'to_be_asked_back') and ruled.status = 'accepted' then 'in_progress'
            when ruled.rule = 'to_be_asked_back' then 'waiting_partner'
            when ruled.rule = 'delivered' then 'delivered'
            when ruled.rule in ('to_be_delivered', 'delivery_failed_before', 'version_changed_under_way') then 'delivery'
        end as next_step
    from ruled
    left join assets on assets.asset_id = ruled.matched_asset_id
    left join asset_names on asset_names.asset_id = ruled.matched_asset_id
)

select * from fulfilments
