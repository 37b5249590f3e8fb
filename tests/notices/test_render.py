"""What a partner reads: in its language and zone, complete, and free of what does not belong there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from pipeline.canonical import canonical
from pipeline.ledger.journal import MAX_ENTRY_BYTES
from pipeline.notices.facts import NoticeFacts
from pipeline.notices.render import NoticeText, render_notice
from pipeline.notices.templates import KINDS, load_templates

NOW: Final = datetime(2026, 3, 10, 8, tzinfo=UTC)
FACTS: Final = NoticeFacts(
    candidate_key="P1|A1|3|version_change|initial",
    partner_id="P1",
    asset_id="A1",
    version_no=3,
    kind="version_change",
    step="initial",
    trading_grid_asset_id="A1",
    partner_name="Nordwind",
    locale="en-GB",
    zone="Europe/Berlin",
    asset_title="Allergen sheet",
    sku="4711",
    brand="Nordwind",
    classification="standard",
    owner="olga@example.com",
    version_label="Spring",
    file_name="sheet-3.pdf",
    format="pdf",
    change_class="content",
    change_summary="Sulphites added",
    replacement_instructions="Replace it in every shop",
    usage_guidance="Show it at the counter",
    restricted_regions=["US-CA", "US-NY"],
    withdrawal_reason="Wrong table",
    effective_at=datetime(2026, 3, 2, 23, tzinfo=UTC),
    withdrawn_from=datetime(2026, 3, 9, 23, 30, tzinfo=UTC),
    expires_at=datetime(2026, 3, 9, 23, 30, tzinfo=UTC),
    position="stale_overdue",
    position_rule=18,
    is_entitled=True,
    held_versions=[2, 1],
    grace_until=NOW,
    target_version_no=3,
    target_version_label="Spring",
    copy_version_no=2,
    copy_obtained_at=datetime(2026, 2, 1, 9, tzinfo=UTC),
    respond_within_seconds=604_800,
    grace_seconds=604_800,
)
DUE: Final = NOW + timedelta(days=7)


def all_set_to(text: str, names: tuple[str, ...]) -> dict[str, Any]:
    return dict.fromkeys(names, text)


def rendered(facts: NoticeFacts) -> NoticeText:
    return render_notice(load_templates(), facts, due_at=DUE, now=NOW)


def test_a_version_change_says_all_that_a_partner_needs() -> None:
    text = rendered(FACTS)

    assert text.subject == "Allergen sheet: version 3 (Spring) replaces the one you hold"
    for said in (
        "Dear Nordwind",
        "in effect since 3 March 2026, 00:00 (Europe/Berlin)",
        "Versions: 1, 2.",
        "version 2, obtained on 1 February 2026, 10:00 (Europe/Berlin)",
        "obtained (rung 4 of 7)",
        "Sulphites added",
        "Replace it in every shop",
        "Show it at the counter",
        "Not to be used in: US-CA, US-NY.",
        "(file sheet-3.pdf)",
        "by 17 March 2026, 09:00 (Europe/Berlin)",
        "acknowledge this notice in Trading Grid",
    ):
        assert said in text.body


def test_a_removal_says_what_to_use_instead_and_that_only_completed_answers() -> None:
    withdrawal = rendered(replace(FACTS, kind="withdrawal", version_no=2, copy_version_no=2))
    expiry = rendered(replace(FACTS, kind="expiry", version_no=2, target_version_no=None))

    assert "withdrawn on 10 March 2026, 00:30 (Europe/Berlin)" in withdrawal.body
    assert "Wrong table" in withdrawal.body
    assert "The version to use instead is 3 (Spring)." in withdrawal.body
    assert "There is no version to use instead at present." in expiry.body
    assert '"completed"' in expiry.body


@pytest.mark.parametrize(
    ("locale", "zone", "language", "effective_on"),
    [
        ("de-DE", "Europe/Berlin", "de", "3. März 2026, 00:00 (Europe/Berlin)"),
        ("es_MX", "America/Mexico_City", "es", "2 de marzo de 2026, 5:00\u202fp.m. (America/Mexico_City)"),
        ("en-US", "America/Los_Angeles", "en", "March 2, 2026, 3:00\u202fPM (America/Los_Angeles)"),
        ("fr-FR", "Europe/Paris", "en", "3 March 2026, 00:00 (Europe/Paris)"),
        (None, "UTC", "en", "2 March 2026, 23:00 (UTC)"),
        ("not a locale", "No/Where", "en", "2 March 2026, 23:00 (UTC)"),
    ],
)
def test_instants_are_told_in_the_partners_zone_and_language_and_the_zone_is_named(
    locale: str | None, zone: str, language: str, effective_on: str
) -> None:
    text = rendered(replace(FACTS, locale=locale, zone=zone))

    assert text.language == language
    assert effective_on in text.body


def test_a_coming_version_is_announced_as_coming() -> None:
    text = rendered(replace(FACTS, effective_at=NOW + timedelta(days=1)))

    assert "will replace" in text.subject
    assert "takes effect on 11 March 2026, 09:00 (Europe/Berlin)" in text.body


def test_who_is_not_entitled_any_more_is_not_told_to_download() -> None:
    text = rendered(replace(FACTS, is_entitled=False))

    assert "Your access to this asset has ended" in text.body
    assert "Please obtain" not in text.body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("locale", ["en", "de", "es"])
def test_a_notice_without_anything_optional_is_still_a_whole_one(kind: str, locale: str) -> None:
    values: dict[str, Any] = dict.fromkeys(NoticeFacts.__dataclass_fields__)
    values |= {"candidate_key": "k", "partner_id": "P1", "asset_id": "A1", "version_no": 3, "kind": kind}
    values |= {"step": "initial", "zone": "UTC", "asset_title": "A1", "classification": "standard", "locale": locale}
    bare = NoticeFacts(**values)
    text = rendered(bare)

    assert "None" not in text.body + text.subject
    assert "\n\n\n" not in text.body
    assert text.language == locale


HOSTILE: Final = "x\x00\x1b[31m\u202etxt.exe\r\nSubject: paid\u2028{{ 7 * 7 }}{% raise %}\x85\ufeff"


@pytest.mark.parametrize("kind", KINDS)
def test_text_from_outside_neither_breaks_out_of_its_place_nor_runs(kind: str) -> None:
    fields = (
        "partner_name", "asset_title", "version_label", "file_name", "change_summary", "replacement_instructions",
        "usage_guidance", "withdrawal_reason",
    )  # fmt: skip
    facts = replace(FACTS, kind=kind, restricted_regions=[HOSTILE], **all_set_to(HOSTILE, fields))
    text = rendered(facts)

    whole = text.subject + text.body + str(text.details)
    assert not {"\x00", "\x1b", "\u202e", "\r", "\u2028", "\x85", "\ufeff"} & set(whole)
    assert "\n" not in text.subject
    assert not any(line.startswith("Subject:") for line in text.body.split("\n"))
    assert "49" not in text.body
    assert "{{ 7 * 7 }}" in text.body


def test_the_longest_notice_fits_a_journal_entry() -> None:
    long = "\U0001f377" * 70_000
    fields = (
        "partner_name", "asset_title", "version_label", "file_name", "change_summary", "replacement_instructions",
        "usage_guidance", "withdrawal_reason", "target_version_label", "sku", "brand",
    )  # fmt: skip
    for kind in KINDS:
        facts = replace(FACTS, kind=kind, restricted_regions=[long] * 500, **all_set_to(long, fields))
        text = rendered(facts)
        size = len(canonical({"subject": text.subject, "body": text.body, "details": text.details}))
        assert size < MAX_ENTRY_BYTES - 8_000
        assert len(text.body) <= 50_000


def test_the_details_are_for_the_partners_systems() -> None:
    details = rendered(FACTS).details

    assert details["effective_local"] == "2026-03-03T00:00:00"
    assert details["effective_timezone"] == "Europe/Berlin"
    assert details["restricted_regions"] == ["US-CA", "US-NY"]
    assert details["evidence"] == {
        "position": "stale_overdue",
        "position_rule": "18",
        "held_versions": ["1", "2"],
        "copy_version_no": "2",
        "copy_obtained_at": "2026-02-01T09:00:00+00:00",
        "rung": "obtained",
        "rung_no": "4",
    }
