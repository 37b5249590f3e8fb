"""Facts of a notice, complete, for tests to change.

Belongs here: one partner, one version, one notice. Does not belong here: assertions.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from pipeline.notices.facts import AssetFacts, NoticeFacts, PartnerFacts
from pipeline.notices.names import SAID
from pipeline.notices.render import NoticeText, Renderer
from pipeline.notices.templates import load_templates

NOW: Final = datetime(2026, 3, 10, 8, tzinfo=UTC)
DUE: Final = NOW + timedelta(days=7)
PARTNER: Final = PartnerFacts(
    partner_id="P1", partner_name="Nordwind", locale="en-GB", region="DE", zone="Europe/Berlin"
)
ASSET: Final = AssetFacts(
    asset_id="A1",
    version_no=3,
    region="DE",
    zone="Europe/Berlin",
    trading_grid_asset_id="A1",
    asset_title="Allergen sheet",
    sku="4711",
    brand="Nordwind",
    classification="standard",
    owner="olga@example.com",
    version_label="Spring",
    file_name="sheet-3.pdf",
    format="pdf",
    change_class="content",
    is_same_file=False,
    change_summary="Sulphites added",
    replacement_instructions="Replace it in every shop",
    usage_guidance="Show it at the counter",
    restricted_regions=["US-CA", "US-NY"],
    withdrawal_reason="Wrong table",
    effective_at=datetime(2026, 3, 2, 23, tzinfo=UTC),
    withdrawn_from=datetime(2026, 3, 9, 23, 30, tzinfo=UTC),
    expires_at=datetime(2026, 3, 9, 23, 30, tzinfo=UTC),
)
FACTS: Final = NoticeFacts(
    candidate_key="P1|A1|3|version_change|initial",
    kind="version_change",
    rule="holds_an_older_version",
    partner=PARTNER,
    asset=ASSET,
    said={},
    position="stale_overdue",
    position_rule=18,
    is_entitled=True,
    held_versions="1, 2",
    target_version_no=3,
    target_version_label="Spring",
    copy_version_no=2,
    copy_obtained_at="2026-02-01T09:00:00.000000Z",
    respond_within_seconds=604_800,
)
_OF_PARTNER: Final = frozenset(PartnerFacts.__dataclass_fields__)
_OF_ASSET: Final = frozenset(AssetFacts.__dataclass_fields__)
_OWN: Final = frozenset(NoticeFacts.__struct_fields__)


def changed(facts: NoticeFacts = FACTS, **values: Any) -> NoticeFacts:
    """Return the facts with other values, wherever they belong; a place belongs to partner and asset."""
    partner = replace(facts.partner, **{name: value for name, value in values.items() if name in _OF_PARTNER})
    asset = facts.asset
    if asset is not None:
        asset = replace(asset, **{name: value for name, value in values.items() if name in _OF_ASSET})
    own = {name: value for name, value in values.items() if name in _OWN}
    return msgspec.structs.replace(facts, partner=partner, **{"asset": asset, **own})


def of_kind(kind: str, facts: NoticeFacts = FACTS, **said: str) -> NoticeFacts:
    """Return the facts of a notice of that kind, with all that its pattern may say."""
    every = {
        (f"{name[:-3]}_at" if name.endswith("_on") else name): (
            "2026-03-02T08:00:00.000000Z" if name.endswith("_on") else str(value).strip()
        )
        for name, value in SAID.get(kind, {}).items()
    }
    return changed(facts, kind=kind, said={**every, **said})


def rendered(facts: NoticeFacts) -> NoticeText:
    """Word a notice with the shipped templates."""
    return Renderer(load_templates(), NOW).notice(facts, DUE)
