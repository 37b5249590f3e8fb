-- One row per access event and delivery that ever counted: how it was judged in the turn in which it was first judged.
-- Grain: subject_type, subject_id
-- Refresh: append
-- Replayed: turn by turn
-- docs/domain.md, 8: as known when we first had it. What is known later changes audit.verdicts, never this; a subject
-- that was superseded since keeps its row. known_at is that turn's.
with verdicts as (select * from audit.verdicts),

first_verdicts as (
    select
        subject_type,
        subject_id,
        entitlement_now as entitlement_then,
        timing_now as timing_then,
        $known_at::timestamptz as known_at
    from verdicts
)

select * from first_verdicts
