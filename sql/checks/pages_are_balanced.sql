-- Pages of which not every record is accounted for: fetched = new + new editions + duplicates + quarantined.
-- Severity: error
select * from ops.pages where not is_balanced
