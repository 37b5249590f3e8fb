"""The names that a template may use, each with a sample value.

Belongs here: the vocabulary, the samples that templates are checked and previewed with. Does not belong here: where a
notice's own values come from (``render``), wording (``templates/``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

Values: TypeAlias = "Mapping[str, str | bool | None]"

KINDS: Final = (
    "publish",
    "version_change",
    "withdrawal",
    "expiry",
    "access_rules",
    "request_update",
    "issue_update",
    "launch_package",
    "reminder",
    "escalation",
    "digest",
)
OBLIGATIONS: Final = ("publish", "version_change", "withdrawal", "expiry")
_INSTANT: Final = "3 March 2026, 00:00 (Europe/Berlin)"

# Of every notice: whose it is, what it is about, what the partner holds.
COMMON: Final[Values] = {
    "partner_name": "Nordwind Getränke",
    "zone": "Europe/Berlin",
    "asset_id": "AS-1",
    "asset_title": "Allergen sheet",
    "sku": "4711",
    "brand": "Nordwind",
    "classification": "safety",
    "version": "3 (2026.1)",
    "file_name": "allergens-3.pdf",
    "format": "pdf",
    "change_summary": "    Sulphites added",
    "replacement_instructions": "    Replace the sheet in every shop",
    "usage_guidance": "    Show it at the counter",
    "restricted_regions": "US-CA, US-NY",
    "withdrawal_reason": "    Wrong table",
    "effective_on": _INSTANT,
    "is_effective": True,
    "is_same_file": True,
    "withdrawn_on": _INSTANT,
    "expired_on": _INSTANT,
    "held": "1, 2",
    "copy_version": "2",
    "copy_obtained_on": "1 February 2026, 10:00 (Europe/Berlin)",
    "is_regressed": True,
    "is_entitled": True,
    "is_former_recipient": True,
    "is_joiner": True,
    "has_version": True,
    "target_version": "3 (2026.1)",
    "due_on": "10 March 2026, 08:00 (Europe/Berlin)",
}
# What a pattern adds to a notice of its kind: `said` of its candidate (`*_at` becomes `*_on`), or made while deciding.
SAID: Final[Mapping[str, Values]] = {
    "access_rules": {
        "group_name": "Retail DACH",
        "change": "changed",
        "rules": "    Price lists: view, download",
        "new_rules": "    Campaign kits: view",
        "gone_rules": "    Posters: download",
        "missing": "    - Allergen sheet (AS-1): version 3",
        "from_on": _INSTANT,
        "rights": "view, download",
        "ends_on": _INSTANT,
    },
    "request_update": {
        "request_id": "RQ-17",
        "status": "denied",
        "reason": "not_entitled",
        "asked_for": "allergen sheet of the pale ale",
        "candidates": "    Allergen sheet (AS-1)",
        "delivered_version": "3",
        "channel": "portal",
        "link_expires_on": _INSTANT,
        "needed_by_on": _INSTANT,
        "answer_by_on": _INSTANT,
    },
    "issue_update": {
        "issue_id": "IS-9",
        "status": "rejected",
        "answer": "should_have",
        "issue_category": "outdated",
        "reason": "barred_region",
        "faulty_version": "2",
        "replacement_version": "3",
        "is_delivered": "yes",
        "answer_by_on": _INSTANT,
    },
    "launch_package": {
        "campaign_id": "CP-3",
        "campaign_name": "Summer 2026",
        "package_id": "PK-3",
        "launch_on": _INSTANT,
        "items": "    Poster (AS-2): 2, poster-2.pdf",
        "changes": "    Poster (AS-2): 2, poster-2.pdf",
        "required_rung": "acknowledged",
        "answer_by_on": _INSTANT,
    },
    "reminder": {"about_kind": "version_change", "round": "2", "sent_on": _INSTANT, "is_overdue": "yes"},
    "escalation": {
        "count": "2",
        "partner_count": "2",
        "items": "    Nordwind Getränke (P-1): Allergen sheet, version 3",
    },
    "digest": {"count": "3", "items": "    - Reminder: Allergen sheet, version 3"},
}
# Without these no notice of the kind makes sense; everything else may be missing.
_COMMON_NEEDED: Final = frozenset({"partner_name", "zone"})
_ASSET_NEEDED: Final = frozenset({"asset_id", "asset_title", "version", "classification"})
_NEEDED: Final[Mapping[str, frozenset[str]]] = {
    "publish": _ASSET_NEEDED | {"due_on"},
    "version_change": _ASSET_NEEDED | {"due_on"},
    "withdrawal": _ASSET_NEEDED | {"due_on", "withdrawn_on"},
    "expiry": _ASSET_NEEDED | {"due_on", "expired_on"},
    "access_rules": frozenset(),
    "request_update": frozenset({"request_id", "status"}),
    "issue_update": frozenset({"status"}),
    "launch_package": frozenset({"campaign_name"}),
    "reminder": _ASSET_NEEDED | {"due_on", "about_kind", "round"},
    "escalation": frozenset({"count", "partner_count", "items"}),
    "digest": frozenset({"count", "items"}),
}


def rich_sample(kind: str) -> dict[str, str | bool | None]:
    """Return a value for every name that a template of this kind may use."""
    return {**COMMON, **SAID.get(kind, {})}


def poor_sample(kind: str) -> dict[str, str | bool | None]:
    """Return the least that a notice of this kind may know: no value, or False, for everything else."""
    needed = _COMMON_NEEDED | _NEEDED[kind]
    return {
        name: value if name in needed else False if isinstance(value, bool) else None
        for name, value in rich_sample(kind).items()
    }
