-- Findings of severity error that are open.
-- Severity: warning
select * from audit.findings where status = 'open' and severity = 'error'
