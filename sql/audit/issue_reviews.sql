-- One row per issue that a partner reported by as_of: the review in VIP that its round rests on, if there is one.
-- Grain: issue_id
-- Refresh: full
-- docs/patterns/exceptions.md. Issues about one version share its reviews, whoever reported them. A review counts in a
-- round while it runs, once it ended in that round, and, whenever it ended, if its replacement is still to come or in
-- force. outcome: running, replaced, rejected. A replacement that is withdrawn, expired or not approved any more before
-- it took effect for the reporter is lost, a review that was closed without an outcome has none: neither counts. Of
-- several, one that brought a replacement comes first, then the latest. reviews_before is the number that the next one's key says.
with rounds as (select * from audit.issue_rounds),

reviews as (select * from core.reviews where opened_at is null or opened_at <= $as_of),

editions as (select * from core.reviews_history where coalesce(updated_at, known_at) <= $as_of),

asset_versions as (select * from core.asset_versions),

version_terms as (select * from freshness.version_terms),

said as (
    select
        review_id,
        bool_or(status = 'replacement_approved') as was_replaced,
        bool_or(status = 'rejected') as was_rejected,
        min(ordered_at) filter (where status in ('replacement_approved', 'rejected', 'closed')) as ended_at
    from editions
    group by review_id
),

judged as (
    select
        reviews.review_id,
        reviews.asset_id,
        reviews.version_no,
        reviews.issue_id,
        reviews.status,
        reviews.replacement_version_no,
        coalesce(reviews.opened_at, reviews.ordered_at) as opened_at,
        coalesce(said.ended_at, case when reviews.status = 'closed' then reviews.ordered_at end) as ended_at,
        case
            when reviews.status in ('open', 'in_progress') then 'running'
            when coalesce(said.was_rejected, false) and not coalesce(said.was_replaced, false) then 'rejected'
            when reviews.status = 'rejected' then 'rejected'
            when coalesce(said.was_replaced, false) or reviews.replacement_version_no is not null then 'replaced'
            else 'none'
        end as outcome
    from reviews
    left join said on said.review_id = reviews.review_id
),

by_subject as (
    select rounds.issue_id, judged.review_id, true as is_about_version
    from rounds
    inner join judged
        on judged.asset_id = rounds.asset_id
        and coalesce(judged.version_no, 0) = coalesce(rounds.faulty_version_no, 0)
),

by_name as (
    select rounds.issue_id, judged.review_id, false as is_about_version
    from rounds
    inner join judged on judged.issue_id = rounds.issue_id
),

named_or_same as (
    select * from by_subject
    union all
    select * from by_name
),

about as (
    select issue_id, review_id, bool_or(is_about_version) as is_about_version
    from named_or_same
    group by issue_id, review_id
),

related as (
    select
        rounds.issue_id,
        rounds.round_started_at,
        about.is_about_version,
        judged.review_id,
        judged.status,
        judged.outcome,
        judged.opened_at,
        judged.ended_at,
        judged.replacement_version_no,
        coalesce(version_terms.is_barred, false) as is_replacement_barred,
        version_terms.effective_at as replacement_effective_at,
        judged.outcome = 'replaced'
        and judged.replacement_version_no is not null
        and coalesce(
            asset_versions.approval_status in ('rejected', 'revoked')
            or asset_versions.withdrawn_from <= $as_of
            or asset_versions.expires_at <= $as_of,
            false
        )
        and rounds.target_version_no is distinct from judged.replacement_version_no
        and not coalesce(rounds.target_version_no > judged.replacement_version_no, false) as is_replacement_lost,
        rounds.times_reopened > 0 as is_later_round,
        rounds.faulty_version_no is not null as is_about_one
    from about
    inner join rounds on rounds.issue_id = about.issue_id
    inner join judged on judged.review_id = about.review_id
    left join asset_versions
        on asset_versions.asset_id = judged.asset_id
        and asset_versions.version_no = judged.replacement_version_no
    left join version_terms
        on version_terms.region = rounds.region
        and version_terms.zone = rounds.zone
        and version_terms.asset_id = judged.asset_id
        and version_terms.version_no = judged.replacement_version_no
),

counting as (
    select
        *,
        outcome = 'running'
        or (outcome = 'rejected' and ended_at >= round_started_at)
        or (
            outcome = 'replaced'
            and not is_replacement_lost
            and (
                ended_at >= round_started_at
                or (not is_later_round and (is_about_one or replacement_effective_at > round_started_at))
            )
        ) as counts,
        ended_at >= round_started_at and (outcome = 'none' or is_replacement_lost) as is_vain
    from related
),

best as (
    select *
    from counting
    where counts
    qualify row_number() over (
        partition by issue_id
        order by
            case outcome when 'replaced' then 0 else 1 end, opened_at desc, review_id desc
    ) = 1
),

counted as (
    select
        issue_id,
        count(*) filter (where is_about_version) as reviews_before,
        arg_max(review_id, (ended_at, review_id)) filter (where outcome = 'none' and is_vain) as closed_review_id,
        arg_max(review_id, (ended_at, review_id)) filter (
            where is_replacement_lost and is_vain
        ) as lost_review_id,
        arg_max(replacement_version_no, (ended_at, review_id)) filter (
            where is_replacement_lost and is_vain
        ) as lost_version_no
    from counting
    group by issue_id
),

issue_reviews as (
    select
        rounds.issue_id,
        best.review_id,
        best.status as review_status,
        best.outcome,
        best.opened_at as review_opened_at,
        best.ended_at as review_ended_at,
        best.replacement_version_no,
        best.replacement_effective_at,
        coalesce(best.is_replacement_barred, false) as is_replacement_barred,
        coalesce(counted.reviews_before, 0) as reviews_before,
        counted.closed_review_id,
        counted.lost_review_id,
        counted.lost_version_no
    from rounds
    left join best on best.issue_id = rounds.issue_id
    left join counted on counted.issue_id = rounds.issue_id
)

select * from issue_reviews
