-- Lives of one asset in one place that overlap: at an instant there is one target or none (docs/domain.md, 4).
-- Severity: error
select earlier.*
from freshness.version_lives as earlier
inner join freshness.version_lives as later
    on later.region = earlier.region
    and later.zone = earlier.zone
    and later.asset_id = earlier.asset_id
    and later.effective_at >= earlier.effective_at
    and (later.version_no <> earlier.version_no or later.effective_at > earlier.effective_at)
where later.effective_at < coalesce(earlier.ended_at, 'infinity'::timestamptz)
