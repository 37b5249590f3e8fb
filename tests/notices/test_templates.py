"""Templates are checked when they are loaded, and a wrong one is named with what to change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.notices.names import KINDS, rich_sample
from pipeline.notices.templates import TEMPLATES_FOLDER, load_templates


def test_the_shipped_templates_are_whole_in_three_languages() -> None:
    templates = load_templates()

    assert {language: sorted(own) for language, own in templates.by_language.items()} == {
        language: sorted(KINDS) for language in ("de", "en", "es")
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Dear partner", "has to begin with a line 'Subject: …' and an empty line"),
        ("Subject: x\nno empty line", "has to begin with a line 'Subject: …' and an empty line"),
        ("Subject: x\n\n{{ secret }}", "uses secret; known: partner_name"),
        ("Subject: x\n\nfine\n{% if %}", "de/expiry.txt, line 4"),
        ("Subject: {{ sku }}\n\nbody", ""),
        ("Subject: x\n\n{{ sku.lower() }}", "de/expiry.txt fails"),
        ("Subject: x\n\n{{ ''.__class__.__mro__ }}", "de/expiry.txt fails"),
        ("Subject: x\n\n{% if sku %}only then{% endif %}", "empty subject or body"),
    ],
)
def test_a_wrong_template_is_refused_with_its_name(tmp_path: Path, text: str, sentence: str) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(TEMPLATES_FOLDER, folder)
    (folder / "de" / "expiry.txt").write_text(text, encoding="utf-8")
    if not sentence:
        load_templates(shipped=folder)
        return

    with pytest.raises(ConfigurationError) as refused:
        load_templates(shipped=folder)
    assert sentence in str(refused.value)


def test_a_template_of_no_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "withdrawl.txt").write_text("Subject: x\n\ny")

    with pytest.raises(ConfigurationError, match=r"en/withdrawl\.txt is of no kind"):
        load_templates(shipped=tmp_path)


def test_a_language_without_a_kind_falls_back_to_english(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    shutil.copytree(TEMPLATES_FOLDER, folder)
    (folder / "de" / "expiry.txt").unlink()
    templates = load_templates(shipped=folder)

    assert templates.find("de", "expiry")[0] == "en"
    assert templates.find("de", "withdrawal")[0] == "de"


def test_english_has_to_be_whole(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"lack en/publish.txt, en/version_change\.txt"):
        load_templates(shipped=tmp_path)


def test_own_templates_win_over_those_that_are_shipped(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "expiry.txt").write_text("Subject: Aus\n\n{{ asset_title }} läuft aus.", encoding="utf-8")
    templates = load_templates(tmp_path)

    assert templates.find("de", "expiry")[1].render(rich_sample("expiry")) == ("Aus", "Allergen sheet läuft aus.")
    assert templates.find("de", "withdrawal")[1].name == "de/withdrawal.txt"
    assert set(templates.words) == {"de", "en", "es"}


def test_a_language_of_ones_own_needs_its_words(tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "expiry.txt").write_text("Subject: Fin\n\n{{ asset_title }}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"fr/words\.txt, cannot be read"):
        load_templates(tmp_path)

    shutil.copy(TEMPLATES_FOLDER / "en" / "words.txt", tmp_path / "fr" / "words.txt")
    assert load_templates(tmp_path).find("fr", "expiry")[0] == "fr"


def test_a_folder_of_templates_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"There is no folder .*mine: notices\.templates"):
        load_templates(tmp_path / "mine")
