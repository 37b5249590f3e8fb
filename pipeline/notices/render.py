"""Rendering: from a notice's facts to subject, body and details in the partner's language and zone.

Belongs here: which template, how instants and lists are written, the machine-readable details.
Does not belong here: wording (``templates/``), facts (``sql/sync/notice_facts.sql``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone

from pipeline.ledger.journal import Value
from pipeline.notices.facts import NoticeFacts
from pipeline.notices.templates import DEFAULT_LANGUAGE, Templates
from pipeline.notices.text import block, one_line

MAX_SUBJECT_CHARACTERS: Final = 300
# British English: its dates and its 24 hours are misread nowhere.
FALLBACK_LOCALE: Final = Locale(DEFAULT_LANGUAGE, "GB")
MAX_REGIONS: Final = 50
MAX_REGIONS_CHARACTERS: Final = 1_000
HELD_RUNG: Final = "obtained"
HELD_RUNG_NO: Final = "4"


@dataclass(frozen=True, slots=True)
class NoticeText:
    """What a partner reads, and the same in parts for its systems."""

    subject: str
    body: str
    language: str
    details: Mapping[str, Value]


def render_notice(templates: Templates, facts: NoticeFacts, *, due_at: datetime, now: datetime) -> NoticeText:
    """Word one notice; an answer to it is due by ``due_at``.

    Raises:
        ConfigurationError: the template fails on these facts.

    """
    locale = locale_of(facts.locale)
    language, template = templates.find(locale.language, facts.kind)
    spoken = locale if language == locale.language else FALLBACK_LOCALE
    zone_name, zone = _zone(facts.zone)

    def when(instant: datetime | None) -> str | None:
        return None if instant is None else _spoken(instant, zone_name, spoken)

    values: dict[str, str | bool | None] = {
        "partner_name": _line(facts.partner_name) or one_line(facts.partner_id),
        "asset_id": one_line(facts.trading_grid_asset_id or facts.asset_id),
        "asset_title": one_line(facts.asset_title) or one_line(facts.asset_id),
        "sku": _line(facts.sku),
        "brand": _line(facts.brand),
        "version": _version(facts.version_no, facts.version_label),
        "file_name": _line(facts.file_name),
        "change_summary": _block(facts.change_summary),
        "replacement_instructions": _block(facts.replacement_instructions),
        "usage_guidance": _block(facts.usage_guidance),
        "restricted_regions": one_line(", ".join(facts.restricted_regions or []), MAX_REGIONS_CHARACTERS) or None,
        "withdrawal_reason": _block(facts.withdrawal_reason),
        "effective_on": when(facts.effective_at),
        "is_effective": facts.effective_at is not None and facts.effective_at <= now,
        "withdrawn_on": when(facts.withdrawn_from) or "",
        "expired_on": when(facts.expires_at) or "",
        "zone": zone_name,
        "held": ", ".join(str(number) for number in sorted(facts.held_versions or [])) or None,
        "copy_version": None if facts.copy_version_no is None else str(facts.copy_version_no),
        "copy_obtained_on": when(facts.copy_obtained_at),
        "is_regressed": facts.position == "regressed",
        "is_entitled": bool(facts.is_entitled),
        "target_version": None
        if facts.target_version_no is None or facts.target_version_no == facts.version_no
        else _version(facts.target_version_no, facts.target_version_label),
        "due_on": when(due_at),
    }
    subject, body = template.render(values)
    return NoticeText(subject[:MAX_SUBJECT_CHARACTERS], body, language, _details(facts, zone_name, zone))


@lru_cache(maxsize=512)
def locale_of(raw: str | None) -> Locale:
    """Return the locale that a partner's ``locale`` names (``de-CH``, ``de_CH``), English where it names none."""
    try:
        return Locale.parse(raw.replace("-", "_")) if raw else FALLBACK_LOCALE
    except (ValueError, TypeError, UnknownLocaleError):
        return FALLBACK_LOCALE


@lru_cache(maxsize=4_096)
def _spoken(instant: datetime, zone_name: str, locale: Locale) -> str:
    local = instant.astimezone(_zone(zone_name)[1])
    return f"{format_date(local, 'long', locale)}, {format_time(local, 'short', locale=locale)} ({zone_name})"


@lru_cache(maxsize=512)
def _zone(name: str) -> tuple[str, tzinfo]:
    try:
        return name, get_timezone(name)
    except LookupError:
        return "UTC", UTC


def _details(facts: NoticeFacts, zone_name: str, zone: tzinfo) -> dict[str, Value]:
    local = None if facts.effective_at is None else facts.effective_at.astimezone(zone).replace(tzinfo=None)
    return {
        "version_label": _line(facts.version_label),
        "effective_local": None if local is None else local.isoformat(timespec="seconds"),
        "effective_timezone": zone_name,
        "replacement_instructions": _plain(facts.replacement_instructions),
        "usage_guidance": _plain(facts.usage_guidance),
        "change_summary": _plain(facts.change_summary),
        "restricted_regions": [one_line(region, 40) for region in facts.restricted_regions or []][:MAX_REGIONS],
        "evidence": evidence_of(facts),
    }


def evidence_of(facts: NoticeFacts) -> dict[str, Value]:
    """Return what the notice rests on: what the partner holds, from which rung, since when."""
    obtained_at = facts.copy_obtained_at
    return {
        "position": facts.position,
        "position_rule": None if facts.position_rule is None else str(facts.position_rule),
        "held_versions": [str(number) for number in sorted(facts.held_versions or [])],
        "copy_version_no": None if facts.copy_version_no is None else str(facts.copy_version_no),
        "copy_obtained_at": None if obtained_at is None else obtained_at.isoformat(),
        "rung": HELD_RUNG,
        "rung_no": HELD_RUNG_NO,
    }


def _version(number: int, label: str | None) -> str:
    spoken = _line(label)
    return f"{number} ({spoken})" if spoken and spoken != str(number) else str(number)


def _line(raw: str | None) -> str | None:
    return one_line(raw) or None if raw is not None else None


def _block(raw: str | None) -> str | None:
    return block(raw) or None if raw is not None else None


def _plain(raw: str | None) -> str | None:
    spoken = _block(raw)
    return None if spoken is None else "\n".join(line.strip() for line in spoken.split("\n"))
