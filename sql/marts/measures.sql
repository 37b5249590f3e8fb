-- One row per measure of a figure: what is counted, out of what, and the clauses that open both into their rows.
-- Grain: figure, measure
-- Refresh: full
-- After: ops.turns
-- docs/domain.md, 11, and docs/figures.md, which says how to read it. numerator, denominator, censored and excluded
-- name what the counts_of_* models count (less the *_less); `from <opened_table> as opened where <…_where>` opens them,
-- and *_counts of these rows is the number; period_of gives a row's period. claim is whose lateness takes the measure out
-- of its rate (docs/domain.md, 2): then it is all excluded, and in the bar data_late. Of processes, every row of
-- marts.process_samples knows itself whether it is late.
with process_measures as (select * from marts.process_measures),

counted_rates (
    figure, measure, unit, is_partner_weighted, claim, numerator, denominator, censored, excluded, opened_table,
    at_column, numerator_where, denominator_where, censored_where, excluded_where
) as (
    values
    (
        'K3', 'notice_coverage', 'obligations', true, 'obligation', 'affected_sent', 'affected', null, null,
        'freshness.obligations', 'notice_due_at',
        'notice_due_at is not null and not is_joiner and sent_at is not null',
        'notice_due_at is not null and not is_joiner', null, null
    ),
    (
        'K4', 'response', 'obligations', true, 'obligation', 'sent_and_responded', 'sent', null, null,
        'freshness.obligations', 'sent_at',
        'sent_at is not null and exists (select 1 from freshness.acknowledgment_classes as classes'
        || ' where classes.partner_id = opened.partner_id and classes.asset_id = opened.asset_id'
        || ' and classes.version_no = opened.version_no and classes.kind = opened.kind'
        || ' and classes.class <> ''revoked'' and classes.ack_kind not in (''auto'', ''proxy''))',
        'sent_at is not null', null, null
    ),
    (
        'K4', 'acknowledgment', 'obligations', true, 'obligation', 'sent_and_answered', 'sent', null, null,
        'freshness.obligations', 'sent_at',
        'state in (''acknowledged'', ''acknowledged_late'')', 'sent_at is not null', null, null
    ),
    (
        'K4', 'on_time', 'obligations', true, 'obligation', 'due_and_acknowledged', 'sent_and_due', 'sent',
        null, 'freshness.obligations', 'sent_at',
        'state = ''acknowledged'' and due_at <= (select as_of from ops.question)',
        'sent_at is not null and due_at <= (select as_of from ops.question)',
        'sent_at is not null and due_at > (select as_of from ops.question)', null
    ),
    (
        'K5', 'currency', 'pairs', true, 'position', 'pairs_current', 'pairs_with_target', null,
        'pairs_unknown_version', 'freshness.positions', null,
        'position = ''current''', 'len(held_versions) > 0 and target_version_no is not null', null,
        'position = ''unknown_version'''
    ),
    (
        'K5', 'unknown_version', 'pairs', false, 'position', 'pairs_unknown_version', 'pairs_in_currency', null, null,
        'freshness.positions', null,
        'position = ''unknown_version''',
        'position = ''unknown_version'' or len(held_versions) > 0 and target_version_no is not null', null, null
    ),
    (
        'K9', 'violations_now', 'events', true, null, 'violations_now', 'accesses', null, null,
        'audit.verdicts', 'occurred_at',
        'entitlement_now <> ''ok'' and is_counted_as_access', 'is_counted_as_access', null, null
    ),
    (
        'K9', 'violations_then', 'events', true, null, 'violations_then', 'accesses', null, null,
        'audit.verdicts', 'occurred_at',
        'is_counted_as_access and exists (select 1 from audit.first_verdicts as firsts where firsts.subject_type ='
        || ' opened.subject_type and firsts.subject_id = opened.subject_id and firsts.entitlement_then <> ''ok'')',
        'is_counted_as_access', null, null
    ),
    (
        'K12', 'suppressed', 'notices', false, null, 'suppressed', 'notices_decided', null, null,
        'marts.notice_quality', 'happened_at',
        'subject_type = ''candidate''', 'is_ours', null, null
    ),
    (
        'K12', 'acted_on_within_72_hours', 'notices', true, 'any', 'notices_acted_on', 'notices_to_act_on',
        'notices_not_matured', null, 'marts.notice_quality', 'happened_at',
        'asks_for_something and is_matured and acted_at is not null', 'asks_for_something and is_matured',
        'asks_for_something and not is_matured', null
    ),
    (
        'K13', 'with_version', 'events', true, null, 'events_with_version', 'events', null, null,
        'audit.verdicts', 'occurred_at', 'timing_now <> ''version_unknown''', 'true', null, null
    ),
    (
        'K13', 'with_identity', 'events', false, null, 'events_with_identity', 'events', null, null,
        'audit.verdicts', 'occurred_at', 'entitlement_now <> ''unknown_identity''', 'true', null, null
    ),
    (
        'K13', 'acknowledgments_joined', 'acknowledgments', true, null, 'acknowledgments', 'acknowledgments',
        null, null, 'core.acknowledgments', 'occurred_at',
        'ack_id in (select ack_id from freshness.acknowledgment_classes where class <> ''unsolicited'')',
        'true', null, null
    ),
    (
        'K13', 'acknowledgments_with_digest', 'acknowledgments', true, null, 'acknowledgments_with_digest',
        'acknowledgments', null, null, 'core.acknowledgments', 'occurred_at',
        'content_digest is not null', 'true', null, null
    ),
    (
        'K13', 'deliveries_with_digest', 'deliveries', true, null, 'deliveries_with_digest', 'deliveries', null, null,
        'freshness.delivered', 'delivered_at',
        'delivery_id in (select delivery_id from core.deliveries where checksum_sha256 is not null)', 'true', null, null
    )
),

obligation_states (state) as (
    values ('acknowledged'), ('acknowledged_late'), ('void'), ('closed_by_later'), ('exempt'), ('exception_requested'),
    ('declined'), ('overdue'), ('pending')
),

by_state as (
    select
        'K4' as figure,
        'state_' || state as measure,
        'obligations' as unit,
        false as is_partner_weighted,
        'obligation' as claim,
        'sent_' || state as numerator,
        'sent' as denominator,
        'freshness.obligations' as opened_table,
        'sent_at' as at_column,
        'state = ''' || state || '''' as numerator_where,
        'sent_at is not null' as denominator_where
    from obligation_states
),

entitlement_verdicts (verdict) as (
    values ('unknown_identity'), ('barred'), ('explicit_deny'), ('no_grant')
),

by_verdict_now as (
    select
        'K9' as figure,
        verdict || '_now' as measure,
        'events' as unit,
        verdict <> 'unknown_identity' as is_partner_weighted,
        verdict || '_now' as numerator,
        'accesses' as denominator,
        'audit.verdicts' as opened_table,
        'occurred_at' as at_column,
        'entitlement_now = ''' || verdict || ''' and is_counted_as_access' as numerator_where,
        'is_counted_as_access' as denominator_where
    from entitlement_verdicts
),

by_verdict_then as (
    select
        'K9' as figure,
        verdict || '_then' as measure,
        'events' as unit,
        verdict <> 'unknown_identity' as is_partner_weighted,
        verdict || '_then' as numerator,
        'accesses' as denominator,
        'audit.verdicts' as opened_table,
        'occurred_at' as at_column,
        'is_counted_as_access and exists (select 1 from audit.first_verdicts as firsts where firsts.subject_type ='
        || ' opened.subject_type and firsts.subject_id = opened.subject_id and firsts.entitlement_then = '''
        || verdict || ''')' as numerator_where,
        'is_counted_as_access' as denominator_where
    from entitlement_verdicts
),

suppressions (reason) as (
    values ('duplicate'), ('snoozed'), ('superseded_by_newer'), ('data_late'), ('no_contact'), ('cap'),
    ('not_entitled'), ('barred'), ('partner_left'), ('other')
),

by_suppression as (
    select
        'K12' as figure,
        'suppressed_' || reason as measure,
        'notices' as unit,
        false as is_partner_weighted,
        'suppressed_' || reason as numerator,
        'notices_decided' as denominator,
        'marts.notice_quality' as opened_table,
        'happened_at' as at_column,
        'suppressed_because = ''' || reason || '''' as numerator_where,
        'is_ours' as denominator_where
    from suppressions
),

rates as (
    select * from counted_rates
    union all by name
    select * from by_state
    union all by name
    select * from by_verdict_now
    union all by name
    select * from by_verdict_then
    union all by name
    select * from by_suppression
),

obsolete_sorts (sort, sort_where) as (
    values
    ('obsolete', 'true'),
    ('obsolete_withdrawn', 'reason = ''withdrawn'''),
    ('obsolete_expired', 'reason = ''expired'''),
    ('obsolete_superseded', 'reason = ''superseded'''),
    ('obsolete_in_grace', 'is_in_grace'),
    ('obsolete_after_grace', 'not is_in_grace'),
    ('obsolete_by_direct', 'channel_or_vector = ''direct'''),
    ('obsolete_by_bulk', 'channel_or_vector = ''bulk'''),
    ('obsolete_by_share_link', 'channel_or_vector = ''share_link'''),
    ('obsolete_by_embed', 'channel_or_vector = ''embed'''),
    ('obsolete_by_portal', 'channel_or_vector = ''portal'''),
    ('obsolete_by_email_link', 'channel_or_vector = ''email_link'''),
    ('obsolete_by_sftp', 'channel_or_vector = ''sftp'''),
    ('obsolete_by_as2', 'channel_or_vector = ''as2'''),
    ('obsolete_by_api', 'channel_or_vector = ''api'''),
    ('obsolete_by_unknown_identity', 'not is_partner_known')
),

counts as (
    select
        'K7' as figure,
        sort as measure,
        'events' as unit,
        sort = 'obsolete' as is_partner_weighted,
        sort as numerator,
        'marts.obsolete_access' as opened_table,
        'obtained_at' as at_column,
        sort_where as numerator_where
    from obsolete_sorts
    union all
    select
        'K12' as figure,
        'notices_sent' as measure,
        'notices' as unit,
        true as is_partner_weighted,
        'notices_sent' as numerator,
        'marts.notice_quality' as opened_table,
        'happened_at' as at_column,
        'subject_type = ''notice''' as numerator_where
),

late_bars (figure, unit, claim, denominator, opened_table, at_column, denominator_where) as (
    values
    ('K3', 'obligations', 'obligation', 'affected', 'freshness.obligations', 'notice_due_at',
        'notice_due_at is not null and not is_joiner'),
    ('K4', 'obligations', 'obligation', 'sent', 'freshness.obligations', 'sent_at', 'sent_at is not null'),
    ('K5', 'pairs', 'position', 'pairs_in_currency', 'freshness.positions', null,
        'position = ''unknown_version'' or len(held_versions) > 0 and target_version_no is not null'),
    ('K12', 'notices', 'any', 'notices_to_act_on', 'marts.notice_quality', 'happened_at',
        'asks_for_something and is_matured')
),

of_other_tables (
    figure, measure, unit, kind, claim, opened_table, at_column, numerator_where, denominator_where, censored_where,
    excluded_where
) as (
    values
    (
        'K6', 'time_to_currency_p50', 'seconds', 'quantile', 'position', 'marts.time_to_currency', 'effective_at',
        'outcome = ''reached''', 'outcome <> ''prepositioned''', 'outcome in (''not_reached'', ''open'')',
        'outcome = ''prepositioned'''
    ),
    (
        'K6', 'time_to_currency_p90', 'seconds', 'quantile', 'position', 'marts.time_to_currency', 'effective_at',
        'outcome = ''reached''', 'outcome <> ''prepositioned''', 'outcome in (''not_reached'', ''open'')',
        'outcome = ''prepositioned'''
    ),
    (
        'K6', 'prepositioned', 'changes', 'rate', 'position', 'marts.time_to_currency', 'effective_at',
        'outcome = ''prepositioned''', 'true', null, null
    ),
    (
        'K14', 'pages', 'pages', 'rate', null, 'marts.completeness', 'day',
        'scope = ''page'' and is_balanced', 'scope = ''page''', null, null
    ),
    (
        'K14', 'pages_with_quarantine', 'pages', 'rate', null, 'marts.completeness', 'day',
        'scope = ''page'' and quarantined > 0', 'scope = ''page''', null, null
    ),
    (
        'K14', 'runs', 'runs', 'rate', null, 'marts.completeness', 'day',
        'scope = ''run'' and is_balanced', 'scope = ''run''', null, null
    ),
    (
        'K14', 'days', 'days', 'rate', null, 'marts.completeness', 'day',
        'scope = ''day'' and is_balanced', 'scope = ''day''', null, null
    )
),

feeds (stream) as (
    values ('access_events'), ('acknowledgments'), ('deliveries')
),

of_feeds as (
    select
        'K13' as figure,
        'feed_lag_p95_' || stream as measure,
        'seconds' as unit,
        'quantile' as kind,
        'marts.feed_lags' as opened_table,
        'month' as at_column,
        'stream = ''' || stream || ''' and not is_backlog' as numerator_where,
        'stream = ''' || stream || ''' and not is_backlog' as denominator_where,
        'stream = ''' || stream || ''' and is_backlog' as excluded_where,
        'sum(records)' as row_counts
    from feeds
),

named as (
    select *, 'rate' as kind from rates
    union all by name
    select *, 'count' as kind from counts
    union all by name
    select
        *, 'late' as kind, 'data_late' as measure, denominator as numerator, denominator_where as numerator_where
    from late_bars
    union all by name
    select * from of_other_tables
    union all by name
    select * from of_feeds
),

bounded as (
    select
        *,
        case
            when opened_table in ('audit.verdicts', 'core.acknowledgments', 'freshness.delivered')
                then ' and ' || at_column || ' <= (select as_of from ops.question)'
            else ''
        end as by_then,
        '(select bool_or(is_late) from ops.data_late where '
        || case when claim = 'any' then 'true' else 'claim = ''' || claim || '''' end || ')' as is_late
    from named
),

of_tables as (
    select
        figure,
        measure,
        kind,
        unit,
        coalesce(is_partner_weighted, false) as is_partner_weighted,
        claim,
        numerator,
        case when measure = 'acknowledgments_joined' then 'acknowledgments_unsolicited' end as numerator_less,
        denominator,
        censored,
        case when measure = 'on_time' then 'sent_and_due' end as censored_less,
        excluded,
        opened_table,
        case
            when at_column in ('day', 'month') then at_column
            when figure = 'K12' then 'strftime(timezone(''UTC'', ' || at_column || '), ''%G-W%V'')'
            else 'strftime(timezone(''UTC'', ' || at_column || '), ''%Y-%m'')'
        end as period_of,
        coalesce(row_counts, 'count(*)') as numerator_counts,
        coalesce(row_counts, 'count(*)') as denominator_counts,
        coalesce(row_counts, 'count(*)') as censored_counts,
        coalesce(row_counts, 'count(*)') as excluded_counts,
        '(' || numerator_where || ')' || by_then
        || case when claim is null then '' when kind = 'late' then ' and ' || is_late else ' and not ' || is_late end
        as numerator_where,
        '(' || denominator_where || ')' || by_then
        || case when claim is null or kind = 'late' then '' else ' and not ' || is_late end as denominator_where,
        '(' || censored_where || ')' || by_then || coalesce(' and not ' || is_late, '') as censored_where,
        case
            when kind = 'late' or claim is null then excluded_where
            else coalesce('(' || excluded_where || ') or ', '') || '(' || denominator_where || ') and ' || is_late
        end as excluded_where
    from bounded
),

quantiles (kind, quantile) as (
    values ('duration', '_p50'), ('duration', '_p90')
),

of_processes as (
    select
        process_measures.* exclude (measure, kind),
        process_measures.measure || coalesce(quantiles.quantile, '') as measure,
        case process_measures.kind
            when 'duration' then 'quantile'
            when 'repeats' then 'rate'
            else process_measures.kind
        end as kind
    from process_measures
    left join quantiles on quantiles.kind = process_measures.kind
),

measures as (
    select * from of_tables
    union all by name
    select * from of_processes
)

select * from measures
