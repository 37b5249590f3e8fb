"""What a partner reads: in its language and zone, complete, and free of what does not belong there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from pipeline.canonical import canonical
from pipeline.ledger.journal import MAX_ENTRY_BYTES
from pipeline.notices.facts import AssetFacts, NoticeFacts, PartnerFacts
from pipeline.notices.names import KINDS
from tests.notices.given import FACTS, NOW, changed, of_kind, rendered

TO_PARTNERS: Final = tuple(kind for kind in KINDS if kind not in {"digest", "escalation"})


def all_set_to(text: str, names: tuple[str, ...]) -> dict[str, Any]:
    return dict.fromkeys(names, text)


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
    withdrawal = rendered(changed(kind="withdrawal", version_no=2, copy_version_no=2))
    expiry = rendered(changed(kind="expiry", version_no=2, target_version_no=None))

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
    text = rendered(changed(locale=locale, zone=zone))

    assert text.language == language
    assert effective_on in text.body


def test_a_coming_version_is_announced_as_coming() -> None:
    text = rendered(changed(effective_at=NOW + timedelta(days=1)))

    assert "will replace" in text.subject
    assert "takes effect on 11 March 2026, 09:00 (Europe/Berlin)" in text.body


def test_who_is_not_entitled_any_more_is_not_told_to_download() -> None:
    text = rendered(changed(is_entitled=False))

    assert "Your access to this asset has ended" in text.body
    assert "Please obtain" not in text.body


NEEDED: Final = {
    "request_update": {"request_id": "RQ-1", "status": "denied"},
    "issue_update": {"status": "in_review"},
    "launch_package": {"campaign_name": "Summer"},
    "reminder": {"about_kind": "version_change", "round": "1", "due_at": "2026-03-01T08:00:00.000000Z"},
}


@pytest.mark.parametrize("kind", TO_PARTNERS)
@pytest.mark.parametrize("locale", ["en", "de", "es"])
def test_a_notice_without_anything_optional_is_still_a_whole_one(kind: str, locale: str) -> None:
    partner: dict[str, Any] = dict.fromkeys(PartnerFacts.__dataclass_fields__) | {
        "partner_id": "P1",
        "zone": "UTC",
        "locale": locale,
    }
    asset: dict[str, Any] = dict.fromkeys(AssetFacts.__dataclass_fields__) | {
        "asset_id": "A1",
        "version_no": 3,
        "zone": "UTC",
    }
    asset |= {"asset_title": "A1", "classification": "standard", "is_same_file": False}
    values: dict[str, Any] = dict.fromkeys(NoticeFacts.__struct_fields__)
    values |= {"candidate_key": "k", "kind": kind, "rule": "r", "is_entitled": False}
    values |= {"partner": PartnerFacts(**partner), "asset": AssetFacts(**asset), "said": NEEDED.get(kind, {})}
    bare = NoticeFacts(**values)
    text = rendered(bare)

    assert "None" not in text.body + text.subject
    assert "\n\n\n" not in text.body
    assert text.language == locale


HOSTILE: Final = "x\x00\x1b[31m\u202etxt.exe\r\nSubject: paid\u2028{{ 7 * 7 }}{% raise %}\x85\ufeff"


@pytest.mark.parametrize("kind", TO_PARTNERS)
def test_text_from_outside_neither_breaks_out_of_its_place_nor_runs(kind: str) -> None:
    fields = (
        "partner_name", "asset_title", "version_label", "file_name", "change_summary", "replacement_instructions",
        "usage_guidance", "withdrawal_reason",
    )  # fmt: skip
    said = {name: HOSTILE for name in of_kind(kind).said if not name.endswith("_at")}
    facts = changed(of_kind(kind, FACTS, **said), restricted_regions=[HOSTILE], **all_set_to(HOSTILE, fields))
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
    for kind in TO_PARTNERS:
        said = {name: long for name in of_kind(kind).said if not name.endswith("_at")}
        facts = changed(of_kind(kind, FACTS, **said), restricted_regions=[long] * 500, **all_set_to(long, fields))
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
        "copy_obtained_at": "2026-02-01T09:00:00.000000Z",
        "rung": "obtained",
        "rung_no": "4",
    }


def test_a_change_of_the_description_alone_asks_nobody_to_confirm_again() -> None:
    assert "need not confirm again" in rendered(changed(is_same_file=True)).body
    assert "need not confirm again" not in rendered(FACTS).body


def test_who_holds_nothing_is_not_said_to_hold_something() -> None:
    text = rendered(changed(held_versions=None, copy_version_no=None, copy_obtained_at=None, position="never_held"))

    assert text.subject == "Allergen sheet: version 3 (Spring) is in effect"
    assert "We know of no copy of yours." in text.body
    assert "rung" not in text.body


def test_who_has_the_version_already_is_asked_only_to_acknowledge_it() -> None:
    text = rendered(changed(held_versions="3", copy_version_no=3))

    assert "You have version 3 (Spring) already" in text.body
    assert "Please obtain" not in text.body


def test_a_joiner_is_told_why_it_hears_of_an_old_publication() -> None:
    text = rendered(changed(kind="publish", rule="became_entitled_while_it_is_live"))

    assert "you became entitled to it after it was published" in text.body
    assert "In the library, look for A1 or article 4711, file sheet-3.pdf (pdf)." in text.body


@pytest.mark.parametrize(
    ("locale", "spoken"),
    [("en", "was due by"), ("de", "sie war bis"), ("es", "el plazo terminó")],
)
def test_a_reminder_says_whether_the_answer_is_overdue(locale: str, spoken: str) -> None:
    late = of_kind("reminder", changed(locale=locale), due_at="2026-03-09T08:00:00.000000Z")
    early = of_kind("reminder", changed(locale=locale), due_at="2026-03-11T08:00:00.000000Z")

    assert spoken in rendered(late).body
    assert spoken not in rendered(early).body


def test_a_denied_request_gives_its_reason_and_what_the_partner_can_do_in_its_language() -> None:
    text = rendered(of_kind("request_update", changed(locale="de"), reason="barred_region"))

    assert text.subject == "Ihre Anfrage RQ-17: abgelehnt"
    assert "In Ihrer Region darf die Datei nicht verwendet werden" in text.body
