"""Which asset a partner means: by id, number, title or words, and what it is asked where that is not clear."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.actions.desk import A1, START, Desk, denial, on_its_way


def test_an_asset_is_found_by_its_number_its_title_and_by_words_that_fit_one_alone(desk: Desk) -> None:
    for number, words in enumerate(
        (
            "alp 0301, please",
            "We need the current Alpenglow Dry Tonic!",
            "A1",
            "dry tonic (allergen sheet)",
        )
    ):
        desk.request(f"RQ-{number}", asset_query=words)
    desk.compute()

    found = desk.ask("select request_id, asset_id, how from sync.request_matches order by request_id")
    assert found == [("RQ-0", A1, "sku"), ("RQ-1", A1, "title"), ("RQ-2", A1, "asset_id"), ("RQ-3", A1, "words")]


def test_a_longer_name_wins_over_one_that_lies_within_it(desk: Desk) -> None:
    desk.asset("A3", "Alpenglow Dry Tonic Zero", sku="ALP-0303")
    desk.request(asset_query="the alpenglow dry tonic zero")
    desk.compute()

    assert desk.ask("select asset_id, how from sync.request_matches") == [("A3", "title")]


def test_of_several_assets_of_one_name_the_only_one_that_the_partner_may_have_is_meant(desk: Desk) -> None:
    desk.asset("A3", "Alpenglow Dry Tonic", is_entitled=False)
    desk.request(asset_query="Alpenglow Dry Tonic")
    desk.compute()

    assert desk.ask("select asset_id, verdict from sync.request_matches") == [(A1, "one")]


def test_an_ambiguous_query_is_asked_back_with_the_partners_own_assets_only(desk: Desk) -> None:
    desk.asset("A9", "Alpenglow Ginger Tonic", is_entitled=False, brand="Alpenglow")
    desk.request(asset_query="the Alpenglow allergen sheet")
    assert desk.go_on(3) == ["accepted", "in_progress", "waiting_partner"]

    question = desk.comments_sent[-1]
    assert "1. Alpenglow Dry Tonic (ALP-0301, A1)\n2. Alpenglow Pink Tonic (ALP-0302, A2)" in question
    assert "24 March 2026, 11:00 (Europe/Berlin)" in question
    assert "Ginger" not in question
    assert desk.go_on(3) == []


def test_what_cannot_be_delivered_now_is_not_offered_beside_what_can(desk: Desk) -> None:
    desk.asset("A3", "Alpenglow Zero Tonic", brand="Alpenglow", asset_type="allergen_sheet")
    desk.withdraw("A3")
    desk.request(asset_query="the Alpenglow allergen sheet")
    desk.compute()

    assert desk.ask("select candidates from sync.request_matches") == [([A1, "A2"],)]


def test_an_answer_by_number_or_name_resumes_the_request(desk: Desk) -> None:
    answers = ("2", "No. 2, please", "we take #2", "ALP-0302", "Alpenglow Pink Tonic it is", "A2")
    for number, _ in enumerate(answers):
        desk.request(f"RQ-{number}", asset_query="the Alpenglow allergen sheet")
    desk.go_on(3)

    for number, words in enumerate(answers):
        desk.comment(words, f"RQ-{number}")
    assert desk.go_on(2) == ["in_progress"] * 6 + ["delivery A2 v1 portal"] * 6


def test_what_names_nothing_or_is_not_the_partners_own_public_answer_resumes_nothing(desk: Desk) -> None:
    answers: tuple[tuple[str, dict[str, Any]], ...] = (
        ("whichever", {}),
        ("7", {}),
        ("2 or 3", {}),
        ("ALP-0301 or ALP-0302", {}),
        ("2", {"visibility": "internal"}),
        ("2", {"partner_id": "P9"}),
        ("2", {"redacted_at": START}),
        ("2", {"created_at": START - timedelta(days=1)}),
    )
    for number, _ in enumerate(answers):
        desk.request(f"RQ-{number}", asset_query="the Alpenglow allergen sheet")
    desk.go_on(3)

    for number, (words, columns) in enumerate(answers):
        desk.comment(words, f"RQ-{number}", **columns)
    assert desk.go_on(2) == []
    assert {desk.status(f"RQ-{number}") for number, _ in enumerate(answers)} == {"waiting_partner"}


def test_a_partner_that_goes_on_without_an_answer_is_asked_once_more_and_then_denied(desk: Desk) -> None:
    desk.request(asset_query="the Alpenglow allergen sheet")
    desk.go_on(3)
    desk.move("in_progress")
    assert desk.go_on() == ["waiting_partner"]

    desk.move("in_progress")
    assert denial(desk) == "ambiguous_query"


def test_a_question_that_nobody_answers_in_time_ends_in_a_denial(desk: Desk) -> None:
    desk.request(asset_query="the Alpenglow allergen sheet")
    desk.go_on(3)
    desk.pass_time(timedelta(days=13))
    assert desk.go_on() == []

    desk.pass_time(timedelta(days=1))
    assert denial(desk) == "ambiguous_query"


def test_words_that_fit_nothing_are_denied(desk: Desk) -> None:
    desk.request(asset_query="forklift spare parts")

    assert denial(desk) == "unknown_asset"


def test_an_id_that_stands_for_nobody_knows_what_is_left_to_a_person(desk: Desk) -> None:
    desk.request(asset_id=None, source_asset_id="TG-9")

    assert desk.go_on(2) == []
    assert desk.ask("select rule from sync.request_fulfilments") == [("unmatched_identity",)]


def test_a_guess_that_the_partner_reopened_is_not_made_again(desk: Desk) -> None:
    desk.request(asset_query="dry tonic (allergen sheet)")
    desk.go_on(3)
    desk.delivery("delivered")
    desk.go_on()
    desk.move("reopened")
    assert desk.go_on(3) == ["accepted", "in_progress", "waiting_partner"]

    desk.comment("We meant ALP-0302.")
    assert desk.go_on(2) == ["in_progress", "delivery A2 v1 portal"]


def test_a_question_that_a_person_asked_is_that_persons(desk: Desk) -> None:
    on_its_way(desk)
    desk.move("waiting_partner", actor="desk:olga")
    desk.comment("1")
    assert desk.go_on(2) == []
    desk.pass_time(timedelta(days=60))
    assert desk.go_on() == []


@pytest.mark.parametrize(
    ("locale", "thanks", "asks", "by"),
    [
        (
            "de-DE",
            "Danke für Ihre Anfrage.",
            "Welche von diesen meinen Sie mit",
            "24. März 2026, 11:00 (Europe/Berlin)",
        ),
        ("es_ES", "Gracias por su solicitud.", "¿A cuál de estos se refiere con", "24 de marzo de 2026, 11:00 ("),
        ("fr-FR", "Thank you for your request.", "Which of these do you mean by", "24 March 2026, 11:00 ("),
        (None, "Thank you for your request.", "Which of these do you mean by", "24 March 2026, 11:00 ("),
    ],
)
def test_a_partner_is_spoken_to_in_its_language_in_the_thread_of_its_request(
    desk: Desk, locale: str | None, thanks: str, asks: str, by: str
) -> None:
    desk.rows["core.partners"][0]["locale"] = locale
    desk.request(asset_query="the Alpenglow allergen sheet")
    assert desk.go_on(3) == ["accepted", "in_progress", "waiting_partner"]

    assert desk.comments_sent[0].startswith(thanks)
    assert desk.comments_sent[-1].startswith(f'{asks} "the Alpenglow allergen sheet"?\n1. ')
    assert by in desk.comments_sent[-1]


def test_every_sentence_of_a_request_is_there_in_each_language_with_the_same_places_to_fill_in(desk: Desk) -> None:
    desk.request()
    desk.compute()
    said = desk.ask("select name, language, wording from sync.request_wordings")
    names = {name for name, _, _ in said}

    assert {(name, language) for name, language, wording in said if wording} == {
        (name, language) for name in names for language in ("en", "de", "es")
    }
    for name in names:
        places = {frozenset(re.findall(r"\{\w+\}", wording)) for other, _, wording in said if other == name}
        assert len(places) == 1, name


def test_every_denial_says_why_in_the_partners_language(desk: Desk) -> None:
    desk.request()
    desk.compute()
    (rules,) = desk.ask("select list(name) from sync.request_wordings where language = 'de' and name like 'denied:%'")[
        0
    ]

    assert {rule.removeprefix("denied:") for rule in rules} == {
        "unknown_asset", "not_entitled", "outside_territory", "barred_region", "no_approved_version",
        "ambiguous_query", "delivery_failed",
    }  # fmt: skip
