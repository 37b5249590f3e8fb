"""Text from outside, made harmless."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.notices.text import MAX_BLOCK_CHARACTERS, MAX_LINE_CHARACTERS, block, one_line


@given(st.text())
def test_one_line_is_one_printable_line_of_bounded_length(raw: str) -> None:
    line = one_line(raw)

    assert len(line.splitlines()) <= 1
    assert len(line) <= MAX_LINE_CHARACTERS
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in line)


@given(st.text())
def test_every_line_of_a_block_is_indented_and_the_whole_is_bounded(raw: str) -> None:
    quoted = block(raw)

    assert all(line.startswith("    ") for line in quoted.split("\n") if line)
    assert len(quoted.replace("    ", "")) <= MAX_BLOCK_CHARACTERS


def test_what_is_too_long_says_so() -> None:
    assert one_line("a" * 300).endswith(" …")
