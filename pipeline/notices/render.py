"""Rendering: from a notice's facts to subject, body and details in the partner's language and zone.

Belongs here: which template, the values of its names, the machine-readable details.
Does not belong here: wording (``templates/``), facts (``sql/sync/notice_facts.sql``), dates as text (``spoken``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from pipeline.instants import format_instant, parse_instant
from pipeline.ledger.journal import Value
from pipeline.notices.facts import AssetFacts, NoticeFacts, PartnerFacts
from pipeline.notices.filling import NoticeTemplate, Shared
from pipeline.notices.names import COMMON, OBLIGATIONS, SAID
from pipeline.notices.spoken import FALLBACK, Tongue, spoken, tongue_of, zone_of
from pipeline.notices.templates import Templates
from pipeline.notices.text import block, one_line
from pipeline.notices.words import as_codes, each_in_words, in_words

MAX_SUBJECT_CHARACTERS: Final = 300
MAX_REGIONS: Final = 50
MAX_REGIONS_CHARACTERS: Final = 1_000
MAX_ITEMS_CHARACTERS: Final = 12_000
HELD_RUNG: Final = "obtained"
HELD_RUNG_NO: Final = "4"
_NOTHING: Final[Mapping[str, str | bool | None]] = {
    name: False if isinstance(value, bool) else None for name, value in COMMON.items()
}
_NOTHING_SHARED: Final = Shared(_NOTHING)
_UNSAID: Final[Mapping[str, Mapping[str, str | bool | None]]] = {
    kind: dict.fromkeys(names) for kind, names in SAID.items()
}
_LISTS: Final = frozenset({"items", "changes", "rules", "new_rules", "gone_rules", "missing", "candidates"})
_CODES: Final = frozenset({"rights", "channel"})


@dataclass(frozen=True, slots=True)
class NoticeText:
    """What a partner reads, and the same in parts for its systems; ``evidence`` is one of the parts."""

    subject: str
    body: str
    language: str
    details: dict[str, Value]
    evidence: Mapping[str, Value]


class Renderer:
    """Words the notices of one turn; what many of them share is put into words once."""

    def __init__(self, templates: Templates, now: datetime) -> None:
        """Word as of ``now``."""
        self._templates = templates
        self._now = now
        self._now_text = format_instant(now)
        self._shared: dict[tuple[object, ...], Shared] = {}
        self._details: dict[tuple[object, ...], dict[str, Value]] = {}
        self._readers: dict[str, tuple[str, str]] = {}
        self._due: dict[tuple[object, ...], str] = {}

    def notice(self, facts: NoticeFacts, due_at: datetime | None) -> NoticeText:
        """Word one notice; an answer to it is due by ``due_at``.

        Raises:
            ConfigurationError: the template fails on these facts.

        """
        tongue, language, template = self._by_kind(facts.kind, facts.partner.locale)
        own, shared = self._values(facts, tongue, due_at, template.names)
        subject, body = template.render_within(own, shared)
        evidence = evidence_of(facts)
        details = self._details_of(facts, evidence)
        return NoticeText(subject[:MAX_SUBJECT_CHARACTERS], body, language, details, evidence)

    def subject(self, facts: NoticeFacts, due_at: datetime | None) -> str:
        """Word the subject alone: a notice's line in a digest."""
        tongue, _, template = self._by_kind(facts.kind, facts.partner.locale)
        own, shared = self._values(facts, tongue, due_at, template.subject_names)
        return template.render_subject_within(own, shared)[:MAX_SUBJECT_CHARACTERS]

    def digest(self, partner: PartnerFacts, subjects: Sequence[str]) -> NoticeText:
        """Word what collects several notices to one partner: their subjects, one a line."""
        _, language, template = self._by_kind("digest", partner.locale)
        name, zone = self._reader(partner)
        values = {
            **_NOTHING,
            "partner_name": name,
            "zone": zone,
            "count": str(len(subjects)),
            "items": _listed([f"- {subject}" for subject in subjects]),
        }
        subject, body = template.render(values)
        return NoticeText(subject[:MAX_SUBJECT_CHARACTERS], body, language, {}, {})

    def escalation(self, lines: Sequence[str], partner_count: int, language: str) -> tuple[str, str]:
        """Word to an asset's owner what is overdue, a line each."""
        _, _, template = self._by_kind("escalation", language)
        items = _listed([f"- {line}" for line in lines])
        counts = {"count": str(len(lines)), "partner_count": str(partner_count), "items": items}
        subject, body = template.render({**_NOTHING, "partner_name": "", "zone": "", **counts})
        return subject[:MAX_SUBJECT_CHARACTERS], body

    def when(self, instant: datetime, zone: str, locale: str | None) -> str:
        """Tell an instant in a zone and a locale."""
        return spoken(instant, zone_of(zone)[0], tongue_of(locale))

    def _by_kind(self, kind: str, locale: str | None) -> tuple[Tongue, str, NoticeTemplate]:
        tongue = tongue_of(locale)
        language, template = self._templates.find(tongue.language, kind)
        return (tongue if language == tongue.language else FALLBACK), language, template

    def _values(
        self, facts: NoticeFacts, tongue: Tongue, due_at: datetime | None, wanted: frozenset[str]
    ) -> tuple[dict[str, str | bool | None], Shared]:
        """Return a notice's own values, and those it shares with others."""
        asset = facts.asset
        name, zone = self._reader(facts.partner)
        target = facts.target_version_no
        values: dict[str, str | bool | None] = {
            "partner_name": name,
            "zone": zone,
            "held": facts.held_versions or None,
            "copy_version": None if facts.copy_version_no is None else str(facts.copy_version_no),
            "copy_obtained_on": _when(facts.copy_obtained_at, zone, tongue) if "copy_obtained_on" in wanted else None,
            "is_regressed": facts.position == "regressed",
            "is_entitled": facts.is_entitled,
            "is_former_recipient": facts.rule == "obtained_this_safety_asset_before",
            "is_joiner": facts.rule == "became_entitled_while_it_is_live",
            "has_version": asset is not None and _holds(facts, asset.version_no),
            "due_on": None if due_at is None or "due_on" not in wanted else self._due_on(due_at, zone, tongue),
            "target_version": None
            if target is None or (asset is not None and target == asset.version_no)
            else _version(target, facts.target_version_label),
        }
        if facts.kind in _UNSAID:
            values.update(self._said(facts, zone, tongue, wanted))
        return values, self._shared_values(asset, zone, tongue)

    def _reader(self, partner: PartnerFacts) -> tuple[str, str]:
        """Return what a partner is called and its zone."""
        reader = self._readers.get(partner.partner_id)
        if reader is None:
            name = _line(partner.partner_name) or one_line(partner.partner_id)
            reader = self._readers[partner.partner_id] = (name, zone_of(partner.zone)[0])
        return reader

    def _due_on(self, due_at: datetime, zone: str, tongue: Tongue) -> str:
        """Tell by when an answer is due; many notices of a turn share the instant."""
        key = (due_at, zone, tongue.name)
        text = self._due.get(key)
        if text is None:
            text = self._due[key] = spoken(due_at, zone, tongue)
        return text

    def _said(
        self, facts: NoticeFacts, zone: str, tongue: Tongue, wanted: frozenset[str]
    ) -> dict[str, str | bool | None]:
        values = dict(_UNSAID[facts.kind])
        words = self._templates.words[tongue.language]
        for name, value in facts.said.items():
            if name.endswith("_at"):
                spoken_name = f"{name[:-3]}_on"
                if spoken_name in wanted and spoken_name != "due_on":
                    values[spoken_name] = _when(value, zone, tongue)
            elif name in _LISTS:
                values[name] = _listed(in_words(value, words).split("\n"))
            elif name in _CODES:
                values[name] = one_line(each_in_words(value, words))
            else:
                values[name] = block(value) if "\n" in value or name == "usage_guidance" else one_line(value)
        if "due_at" in facts.said:
            values["is_overdue"] = "yes" if facts.said["due_at"] < self._now_text else None
        return values

    def _shared_values(self, asset: AssetFacts | None, zone: str, tongue: Tongue) -> Shared:
        if asset is None:
            return _NOTHING_SHARED
        key = (asset.asset_id, asset.version_no, asset.region, asset.zone, tongue)
        values = self._shared.get(key)
        if values is None:
            values = self._shared[key] = Shared(self._asset_values(asset, zone, tongue))
        return values

    def _asset_values(self, asset: AssetFacts, zone: str, tongue: Tongue) -> dict[str, str | bool | None]:
        def when(instant: datetime | None) -> str | None:
            return None if instant is None else spoken(instant, zone, tongue)

        return {
            **_NOTHING,
            "asset_id": one_line(asset.trading_grid_asset_id or asset.asset_id),
            "asset_title": one_line(asset.asset_title) or one_line(asset.asset_id),
            "sku": _line(asset.sku),
            "brand": _line(asset.brand),
            "classification": asset.classification,
            "version": None if asset.version_no is None else _version(asset.version_no, asset.version_label),
            "file_name": _line(asset.file_name),
            "format": _line(asset.format),
            "change_summary": _block(asset.change_summary),
            "replacement_instructions": _block(asset.replacement_instructions),
            "usage_guidance": _block(asset.usage_guidance),
            "restricted_regions": one_line(", ".join(asset.restricted_regions or []), MAX_REGIONS_CHARACTERS) or None,
            "withdrawal_reason": _block(asset.withdrawal_reason),
            "effective_on": when(asset.effective_at),
            "is_effective": asset.effective_at is not None and asset.effective_at <= self._now,
            "is_same_file": asset.is_same_file,
            "withdrawn_on": when(asset.withdrawn_from) or "",
            "expired_on": when(asset.expires_at) or "",
        }

    def _details_of(self, facts: NoticeFacts, evidence: Mapping[str, Value]) -> dict[str, Value]:
        said: dict[str, Value] = {
            name: _plain(as_codes(value)) if "\n" in value else one_line(as_codes(value))
            for name, value in facts.said.items()
        }
        if facts.asset is None:
            return {**said, "evidence": evidence}
        asset = facts.asset
        key = (asset.asset_id, asset.version_no, asset.region, asset.zone)
        shared = self._details.get(key)
        if shared is None:
            shared = self._details[key] = _asset_details(asset)
        return {**shared, **said, "evidence": evidence}


def evidence_of(facts: NoticeFacts) -> dict[str, Value]:
    """Return what the notice rests on: what the partner holds, from which rung, since when."""
    held = facts.copy_obtained_at is not None
    return {
        "position": facts.position,
        "position_rule": None if facts.position_rule is None else str(facts.position_rule),
        "held_versions": facts.held_versions.split(", ") if facts.held_versions else [],
        "copy_version_no": None if facts.copy_version_no is None else str(facts.copy_version_no),
        "copy_obtained_at": facts.copy_obtained_at,
        "rung": HELD_RUNG if held else None,
        "rung_no": HELD_RUNG_NO if held else None,
    }


def owes_answer(kind: str) -> bool:
    """Say whether a notice of this kind makes an obligation (docs/domain.md, 7)."""
    return kind in OBLIGATIONS


def _asset_details(asset: AssetFacts) -> dict[str, Value]:
    zone_name, zone = zone_of(asset.zone)
    local = None if asset.effective_at is None else asset.effective_at.astimezone(zone).replace(tzinfo=None)
    return {
        "version_label": _line(asset.version_label),
        "effective_local": None if local is None else local.isoformat(timespec="seconds"),
        "effective_timezone": zone_name,
        "replacement_instructions": _plain(asset.replacement_instructions),
        "usage_guidance": _plain(asset.usage_guidance),
        "change_summary": _plain(asset.change_summary),
        "restricted_regions": [one_line(region, 40) for region in asset.restricted_regions or []][:MAX_REGIONS],
    }


def _holds(facts: NoticeFacts, version_no: int | None) -> bool:
    return bool(facts.held_versions) and str(version_no) in (facts.held_versions or "").split(", ")


@lru_cache(maxsize=65_536)
def _when(raw: str | None, zone: str, tongue: Tongue) -> str | None:
    return None if not raw else spoken(parse_instant(raw), zone, tongue)


def _listed(lines: Sequence[str]) -> str:
    """Return lines, each made harmless and indented where it is no list already; the first so many."""
    kept: list[str] = []
    size = 0
    for place, raw in enumerate(lines):
        line = one_line(raw)
        if not line:
            continue
        size += len(line) + 1
        if size > MAX_ITEMS_CHARACTERS:
            kept.append(f"… (+{len(lines) - place})")
            break
        kept.append(line if line.startswith("- ") else f"    {line}")
    return "\n".join(kept)


def _version(number: int, label: str | None) -> str:
    said = _line(label)
    return f"{number} ({said})" if said and said != str(number) else str(number)


def _line(raw: str | None) -> str | None:
    return one_line(raw) or None if raw is not None else None


def _block(raw: str | None) -> str | None:
    return block(raw) or None if raw is not None else None


def _plain(raw: str | None) -> str | None:
    said = _block(raw)
    return None if said is None else "\n".join(line.strip() for line in said.split("\n"))
