-- Records that were rejected on arrival; each has its reason, and none is lost.
-- Severity: warning
select * from ops.quarantine
