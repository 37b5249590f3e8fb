-- Partners called outdated for want of a version that is barred for them: there must be none (docs/domain.md, 4.3).
-- Severity: error
select positions.*
from freshness.positions as positions
inner join core.partners as partners on partners.partner_id = positions.partner_id
inner join freshness.version_terms as terms
    on terms.region = partners.region
    and terms.zone = partners.zone
    and terms.asset_id = positions.asset_id
    and terms.version_no = positions.target_version_no
where terms.is_barred
