-- One row per kind of claim, and whether as_of lies past what the feeds that it rests on are known up to.
-- Grain: claim
-- Refresh: full
-- Of ops.data_late what rules ask: it changes when a feed begins or ceases to be late, not with every watermark.
with claims as (select * from ops.data_late),

late_claims as (select claim, is_late from claims)

select * from late_claims
