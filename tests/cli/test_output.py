"""What reaches the terminal."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.output import Output, as_json, shown, write_error

CONTROLS = [chr(code) for code in (*range(32), *range(0x7F, 0xA0))]
DIRECTIONS = ["\u202a", "\u202e", "\u2066", "\u2069", "\u200f", "\ufeff"]


@given(st.text(st.characters(codec=None) | st.sampled_from(CONTROLS + DIRECTIONS)))
def test_no_text_reaches_a_terminal_with_a_control_character_or_a_direction_mark(text: str) -> None:
    told = shown(text)
    assert not set(told) & set(CONTROLS + DIRECTIONS)
    told.encode("utf-8")


@given(st.dictionaries(st.text(), st.text(st.characters(codec=None)) | st.none() | st.integers() | st.booleans()))
def test_a_json_document_is_plain_ascii_and_comes_back(document: dict[str, object]) -> None:
    text = as_json(document)
    assert all(31 < ord(letter) < 127 or letter == "\n" for letter in text)
    assert json.loads(text) == document


def test_values_have_one_form() -> None:
    instant = datetime(2026, 3, 2, 8, tzinfo=UTC)
    document = {"at": instant, "day": date(2026, 3, 2), "n": Decimal(3), "rate": Decimal("0.5")}
    assert json.loads(as_json(document)) == {
        "at": "2026-03-02T08:00:00.000000Z",
        "day": "2026-03-02",
        "n": 3,
        "rate": 0.5,
    }
    assert [shown(value) for value in (None, True, [1, 2], [], instant)] == [
        "\u2013",
        "yes",
        "1, 2",
        "\u2013",
        "2026-03-02 08:00",
    ]


def test_a_table_shows_markup_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    Output(is_json=False).table("[bold]Title[/bold]", ("name",), [("[red]not red[/red]",), ("\x1b[31m",)])
    told = capsys.readouterr().out
    assert "[bold]Title[/bold]" in told
    assert "[red]not red[/red]" in told
    assert "\x1b" not in told


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    write_error("what was\ntried \x1b]0;title\x07 came   to nothing")
    assert capsys.readouterr().err == "what was tried \\x1b]0;title\\x07 came to nothing\n"
