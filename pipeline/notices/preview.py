"""Previews: a template filled in with samples, or with what is known of a partner and a version.

Belongs here: the facts of a notice that nobody decided on. Does not belong here: rendering (``render``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pipeline.instants import format_instant
from pipeline.notices.facts import AssetFacts, NoticeFacts, PartnerFacts
from pipeline.notices.names import SAID
from pipeline.notices.render import MAX_SUBJECT_CHARACTERS, NoticeText, Renderer
from pipeline.notices.samples import spoken_sample
from pipeline.notices.spoken import tongue_of
from pipeline.notices.templates import Templates

RESPONSE: Final = timedelta(days=7)
# What a preview reads of the tables, by name of its columns.
TABLES: Final = (
    "core.partners",
    "core.assets",
    "core.asset_versions",
    "freshness.version_terms",
    "freshness.positions",
    "freshness.held_copies",
)
QUERY: Final = """
    select
        partners.partner_id, partners.name as partner_name, partners.locale, partners.region, partners.zone,
        assets.asset_id, coalesce(assets.title, assets.asset_id) as asset_title, assets.sku, assets.brand,
        coalesce(assets.classification, 'standard') as classification, assets.owner,
        versions.version_no, versions.version_label, versions.file_name, versions.format, versions.change_class,
        versions.change_summary, versions.replacement_instructions, versions.usage_guidance,
        versions.restricted_regions, versions.withdrawal_reason,
        terms.effective_at, terms.withdrawn_from, terms.expires_at,
        positions.position, positions.position_rule, coalesce(positions.entitled, false) as is_entitled,
        array_to_string(list_sort(positions.held_versions), ', ') as held_versions, positions.target_version_no,
        copies.version_no as copy_version_no, copies.last_obtained_at as copy_obtained_at
    from {core.partners} as partners
    left join {core.assets} as assets on assets.asset_id = $asset_id
    left join {freshness.positions} as positions
        on positions.partner_id = partners.partner_id and positions.asset_id = assets.asset_id
    left join {core.asset_versions} as versions
        on versions.asset_id = assets.asset_id
        and versions.version_no = coalesce($version_no, positions.target_version_no)
    left join {freshness.version_terms} as terms
        on terms.region = partners.region and terms.zone = partners.zone and terms.asset_id = versions.asset_id
        and terms.version_no = versions.version_no
    left join {freshness.held_copies} as copies
        on copies.partner_id = partners.partner_id and copies.asset_id = assets.asset_id
    where partners.partner_id = $partner_id
    order by copies.last_obtained_at desc nulls last
    limit 1
"""
_ASSET: Final = (
    "asset_id", "version_no", "region", "zone", "asset_title", "sku", "brand", "classification", "owner",
    "version_label", "file_name", "format", "change_class", "change_summary", "replacement_instructions",
    "usage_guidance", "restricted_regions", "withdrawal_reason", "effective_at", "withdrawn_from", "expires_at",
)  # fmt: skip
_SAID_TWICE: Final = {"sent_on": "sent_at", "ends_on": "ends_at", "from_on": "from_at", "launch_on": "launch_at"}


@dataclass(frozen=True, slots=True)
class Preview:
    """A notice as it would read; ``rests_on`` is ``samples`` or ``known``."""

    kind: str
    language: str
    subject: str
    body: str
    rests_on: str


def preview_sample(templates: Templates, kind: str, language: str) -> Preview:
    """Fill a template in with samples."""
    found, template = templates.find(language, kind)
    subject, body = template.render(spoken_sample(kind, found))
    return Preview(kind, found, subject[:MAX_SUBJECT_CHARACTERS], body, "samples")


def preview_known(templates: Templates, kind: str, row: dict[str, Any], language: str | None, now: datetime) -> Preview:
    """Fill a template in with a row of ``QUERY``; what a pattern would add is a sample."""
    partner = PartnerFacts(
        partner_id=row["partner_id"],
        partner_name=row["partner_name"],
        locale=language or row["locale"],
        region=row["region"],
        zone=row["zone"],
    )
    asset = None
    if row["version_no"] is not None:
        known = {name: row[name] for name in _ASSET}
        asset = AssetFacts(**known, trading_grid_asset_id=row["asset_id"], is_same_file=False)
    facts = NoticeFacts(
        candidate_key="preview",
        kind=kind,
        rule="preview",
        partner=partner,
        asset=asset,
        said=_sample_of(kind, templates.find(tongue_of(partner.locale).language, kind)[0], now),
        position=row["position"],
        position_rule=row["position_rule"],
        is_entitled=row["is_entitled"],
        held_versions=row["held_versions"],
        target_version_no=row["target_version_no"],
        target_version_label=None,
        copy_version_no=row["copy_version_no"],
        copy_obtained_at=None if row["copy_obtained_at"] is None else format_instant(row["copy_obtained_at"]),
        respond_within_seconds=None,
    )
    text: NoticeText = Renderer(templates, now).notice(facts, now + RESPONSE)
    return Preview(kind, text.language, text.subject, text.body, "known")


def _sample_of(kind: str, language: str, now: datetime) -> dict[str, str]:
    said = {}
    sample = spoken_sample(kind, language)
    for name in SAID.get(kind, {}):
        value = sample[name]
        if name in _SAID_TWICE:
            said[_SAID_TWICE[name]] = format_instant(now - timedelta(days=3) if name == "sent_on" else now + RESPONSE)
        elif isinstance(value, str) and not name.endswith("_on"):
            said[name] = "\n".join(line.strip() for line in value.split("\n"))
    return said
