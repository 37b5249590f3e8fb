"""A notice speaks one language: whatever its kind, its case and its branch, nothing of it is left in another."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from pipeline.errors import ConfigurationError
from pipeline.notices.names import KINDS
from pipeline.notices.samples import spoken_sample
from pipeline.notices.templates import TEMPLATES_FOLDER, load_templates
from pipeline.notices.words import CODES, as_codes, each_in_words, in_words
from sandbox.life.cases import ISSUE_MOVES, REQUEST_MOVES
from tests.notices.given import FACTS, changed, of_kind, rendered

TEMPLATES: Final = load_templates()
DENIALS: Final = (
    "unknown_asset", "not_entitled", "outside_territory", "barred_region", "no_approved_version", "ambiguous_query",
    "delivery_failed",
)  # fmt: skip
CASES: Final[tuple[tuple[str, Mapping[str, str | bool | None]], ...]] = (
    *((kind, {}) for kind in KINDS),
    *(
        ("request_update", {"status": status, "reason": None})
        for status in REQUEST_MOVES
        if status not in {"new", "confirmed"}
    ),
    *(("request_update", {"status": "denied", "reason": reason}) for reason in DENIALS),
    *(
        ("issue_update", {"status": status, "answer": answer})
        for status in ISSUE_MOVES
        if status not in {"reported", "confirmed"}
        for answer in (None, "should_have", "holder", "replaced", "rejected")
    ),
    *(("access_rules", {"change": change}) for change in ("changed", "granted", "denied", "ended", "ending")),
    *(("reminder", {"about_kind": about}) for about in ("publish", "version_change", "withdrawal", "expiry")),
    *(("launch_package", {"required_rung": rung}) for rung in ("obtained", "acknowledged", "completed")),
    *((kind, {"is_effective": False}) for kind in ("publish", "version_change")),
)
# No German or Spanish sentence has these words; what a person types, and a code in quotation marks, is no sentence.
ENGLISH: Final = re.compile(
    r"\b(the|your|you|is|are|of|to|and|please|why|how|by|at|on|not|has|have|been|view|download|redistribute|deny"
    r"|version(?= \d)|January|February|March)\b"
)
TYPED: Final = re.compile(r"vipgrid decide .*|[„«]completed[“»]")


@pytest.mark.parametrize("language", ["de", "es"])
def test_no_sentence_and_no_word_of_a_notice_is_english(language: str) -> None:
    for kind, said in CASES:
        found, template = TEMPLATES.find(language, kind)
        assert found == language
        subject, body = template.render({**spoken_sample(kind, language), **said})
        text = TYPED.sub("", f"{subject}\n{body}")
        assert ENGLISH.search(text) is None, (kind, said, ENGLISH.search(text), text)
        for code in said.values():
            assert not isinstance(code, str) or "_" not in code or code not in text, (kind, said)


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_every_denial_says_why_in_a_sentence(language: str) -> None:
    said = set()
    for reason in DENIALS:
        _, template = TEMPLATES.find(language, "request_update")
        _, body = template.render(spoken_sample("request_update", language) | {"status": "denied", "reason": reason})
        assert reason not in body
        said.add(body)
    assert len(said) == len(DENIALS)


@pytest.mark.parametrize(
    ("locale", "rules", "rights", "missing"),
    [
        ("en-GB", "- Library: view, download", "view, download", "- Sheet (A1): version 3"),
        ("de-AT", "- Library: ansehen, herunterladen", "ansehen, herunterladen", "- Sheet (A1): Version 3"),
        ("es-MX", "- Library: ver, descargar", "ver, descargar", "- Sheet (A1): versión 3"),
    ],
)
def test_codes_are_put_into_words_for_people_and_stay_codes_for_systems(
    locale: str, rules: str, rights: str, missing: str
) -> None:
    facts = of_kind(
        "access_rules",
        FACTS,
        rules="- Library: {view}, {download}",
        rights="view, download",
        missing="- Sheet (A1): {version} 3\n- {unknown} {version} 1",
    )
    text = rendered(changed(facts, locale=locale))

    assert {rules, missing} <= set(text.body.split("\n"))
    assert f": {rights}." in text.body
    assert "{unknown}" in text.body
    assert text.details["rules"] == "- Library: view, download"
    assert text.details["rights"] == "view, download"


def test_text_before_the_last_tag_of_a_line_keeps_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(TEMPLATES_FOLDER, folder)
    (folder / "en" / "expiry.txt").write_text(
        "Subject: x\n\nVersion {{ version }}{% if sku %}, {{ sku }}{% endif %}\n"
        "{% if brand %}\nBrand {{ brand }}\n{% endif %}\nEnd\n"
    )
    _, template = load_templates(shipped=folder).find("en", "expiry")

    assert template.render(spoken_sample("expiry", "en"))[1] == "Version 3 (2026.1), 4711\nBrand Nordwind\nEnd"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("version = Version\n", "de/words.txt, lack view"),
        ("version Version\n", "de/words.txt, line 1, are not 'code = words'"),
        ("vershion = Version\n", "de/words.txt, line 1, are not 'code = words'"),
        (None, "de/words.txt, cannot be read"),
    ],
)
def test_wrong_words_are_refused_with_their_file(tmp_path: Path, text: str | None, sentence: str) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(TEMPLATES_FOLDER, folder)
    path = folder / "de" / "words.txt"
    path.unlink()
    if text is not None:
        path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        load_templates(shipped=folder)


def test_marks_without_a_code_of_ours_stay_as_they_are() -> None:
    words = TEMPLATES.words["de"]
    assert set(words) == set(CODES)
    assert in_words("{view} {x} {", words) == "ansehen {x} {"
    assert as_codes("{view} {x} {") == "view {x} {"
    assert each_in_words("view, own", words) == "ansehen, own"
