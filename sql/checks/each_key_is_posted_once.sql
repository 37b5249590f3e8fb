-- Keys of ours under which Trading Grid lists more than one notice: an effect that was doubled.
-- Severity: error
select actions.action_key, count(*) as notices
from sync.actions as actions
inner join core.notices as notices on notices.external_key = actions.action_key
group by actions.action_key
having count(*) > 1
