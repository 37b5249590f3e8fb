"""Samples as a German or Spanish partner would read them; English ones are those of ``names``.

Belongs here: what stands in for VIP's own words in a preview. Does not belong here: the names (``names``), sentences
(``templates/``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from pipeline.notices.names import rich_sample
from pipeline.notices.spoken import spoken, tongue_of

_ZONE: Final = "Europe/Berlin"
_INSTANTS: Final[Mapping[str, datetime]] = {
    "copy_obtained_on": datetime(2026, 2, 1, 9, tzinfo=UTC),
    "due_on": datetime(2026, 3, 10, 7, tzinfo=UTC),
}
_ANY_INSTANT: Final = datetime(2026, 3, 2, 23, tzinfo=UTC)
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "de": {
        "asset_title": "Allergenblatt",
        "change_summary": "    Sulfite ergänzt",
        "replacement_instructions": "    Ersetzen Sie das Blatt in jeder Filiale",
        "usage_guidance": "    Gut sichtbar an der Theke aushängen",
        "withdrawal_reason": "    Falsche Tabelle",
        "group_name": "Handel DACH",
        "rules": "    - Preislisten: ansehen, herunterladen",
        "new_rules": "    - Kampagnenpakete: ansehen",
        "gone_rules": "    - Plakate: herunterladen",
        "missing": "    - Allergenblatt (AS-1): Version 3",
        "rights": "ansehen, herunterladen",
        "asked_for": "Allergenblatt vom Pale Ale",
        "candidates": "    Allergenblatt (AS-1)",
        "channel": "Portal",
        "campaign_name": "Sommer 2026",
    },
    "es": {
        "asset_title": "Hoja de alérgenos",
        "change_summary": "    Se añaden los sulfitos",
        "replacement_instructions": "    Sustituya la hoja en cada tienda",
        "usage_guidance": "    Colóquela a la vista en el mostrador",
        "withdrawal_reason": "    Tabla equivocada",
        "group_name": "Comercio Iberia",
        "rules": "    - Listas de precios: ver, descargar",
        "new_rules": "    - Materiales de campaña: ver",
        "gone_rules": "    - Carteles: descargar",
        "missing": "    - Hoja de alérgenos (AS-1): versión 3",
        "rights": "ver, descargar",
        "asked_for": "hoja de alérgenos de la pale ale",
        "candidates": "    Hoja de alérgenos (AS-1)",
        "channel": "portal",
        "campaign_name": "Verano 2026",
    },
}
_ITEMS: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "de": {
        "launch_package": {
            "items": "    Plakat (AS-2): 2, plakat-2.pdf",
            "changes": "    Plakat (AS-2): 2, plakat-2.pdf",
        },
        "escalation": {"items": "    Nordwind Getränke (P-1): Allergenblatt, 3"},
        "digest": {"items": "    - 1. Erinnerung: Allergenblatt, Version 3"},
    },
    "es": {
        "launch_package": {
            "items": "    Cartel (AS-2): 2, cartel-2.pdf",
            "changes": "    Cartel (AS-2): 2, cartel-2.pdf",
        },
        "escalation": {"items": "    Nordwind Getränke (P-1): Hoja de alérgenos, 3"},
        "digest": {"items": "    - Recordatorio 1: Hoja de alérgenos, versión 3"},
    },
}


def spoken_sample(kind: str, language: str) -> dict[str, str | bool | None]:
    """Return a value for every name that a template of this kind may use, in words of the language where there are."""
    sample = rich_sample(kind)
    texts = {**_TEXTS.get(language, {}), **_ITEMS.get(language, {}).get(kind, {})}
    if not texts:
        return sample
    tongue = tongue_of(language)
    instants = {
        name: spoken(_INSTANTS.get(name, _ANY_INSTANT), _ZONE, tongue) for name in sample if name.endswith("_on")
    }
    return sample | instants | {name: text for name, text in texts.items() if name in sample}
