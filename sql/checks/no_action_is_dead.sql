-- Actions that were given up: `vipgrid decide retry` or `drop` settles each.
-- Severity: warning
select * from sync.actions where state = 'dead'
