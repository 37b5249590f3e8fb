-- Records that were rejected on arrival and that nobody has released since; each has its reason, and none is lost.
-- Severity: warning
select rejected.*
from ops.quarantine as rejected
left join (select distinct source_id from ledger.entries where kind = 'quarantine_released') as released
    on released.source_id
    = rejected.stream || ':' || rejected.turn_no || ':' || rejected.page_no || ':' || rejected.row_no
where released.source_id is null
