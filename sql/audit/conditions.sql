-- One row per thing that is wrong or contradictory now, as the rules see it.
-- Grain: finding_id
-- Refresh: by finding_id
-- Touched by: audit.trail(subject_type, subject_id) through audit.conditions
-- finding_id says rule and subject, so that the same cause is the same finding at every turn. What was found when, and
-- what is gone, is audit.findings. evidence are the trail's rows about the subject, where its own rule names no others.
with trail as (select * from audit.trail),

access_event_conditions as (select * exclude (event_id) from audit.access_event_conditions),

delivery_conditions as (select * exclude (delivery_id) from audit.delivery_conditions),

acknowledgment_conditions as (select * exclude (ack_id) from audit.acknowledgment_conditions),

copy_conditions as (select * from audit.copy_conditions),

request_conditions as (select * exclude (request_id) from audit.request_conditions),

denial_conditions as (select * from audit.denial_conditions),

issue_conditions as (select * exclude (issue_id) from audit.issue_conditions),

notice_conditions as (select * exclude (notice_id) from audit.notice_conditions),

campaign_conditions as (select * exclude (campaign_id) from audit.campaign_conditions),

rights_conditions as (select * from audit.rights_conditions),

version_conditions as (select * from audit.version_conditions),

network_conditions as (select * from audit.network_conditions),

announcement_conditions as (select * from audit.announcement_conditions),

with_subject as (
    select * from access_event_conditions
    union all
    select * from delivery_conditions
    union all
    select * from acknowledgment_conditions
    union all
    select * from request_conditions
    union all
    select * from denial_conditions
    union all
    select * from issue_conditions
    union all
    select * from notice_conditions
    union all
    select * from campaign_conditions
    union all
    select * from rights_conditions
    union all
    select * from version_conditions
    union all
    select * from network_conditions
    union all
    select * from announcement_conditions
),

subjects as (select distinct subject_type, subject_id from with_subject),

seqs as (
    select trail.subject_type, trail.subject_id, list_sort(list(trail.seq)) as evidence
    from trail
    inner join subjects
        on subjects.subject_type = trail.subject_type
        and subjects.subject_id = trail.subject_id
    group by trail.subject_type, trail.subject_id
),

conditions as (
    select with_subject.*, coalesce(seqs.evidence, []) as evidence
    from with_subject
    left join seqs
        on seqs.subject_type = with_subject.subject_type
        and seqs.subject_id = with_subject.subject_id
    union all
    select * from copy_conditions
)

select * from conditions
