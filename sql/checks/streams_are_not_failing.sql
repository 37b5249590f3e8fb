-- Streams whose last pull failed.
-- Severity: error
select * from ops.streams where is_failing
