"""One text and one hash: the fast way and the careful way are the same way."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from pipeline.canonical import NotCanonicalError, canonical_record

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3).filter(lambda t: t.isprintable()), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=4).filter(lambda t: t.isprintable()), VALUES, max_size=5),
    st.booleans(),
    st.booleans(),
)
def test_any_spelling_of_a_record_has_the_text_of_the_standard(
    record: dict[str, object],
    has_blanks: bool,
    is_ascii: bool,
) -> None:
    separators = (", ", ": ") if has_blanks else (",", ":")
    raw = json.dumps(record, ensure_ascii=is_ascii, separators=separators).encode()
    if "\\u0000" in raw.decode():
        return
    assert canonical_record(raw) == rfc8785.dumps(record)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":1, "a":2}',
        b"[]",
        b"1",
        b"{",
        b'{"a":NaN}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0000"}',
        b'{"a":9007199254740993}',
        b'{"a":"\xff"}',
        b"{" + b'"a":{' * 20_000,
    ],
)
def test_what_has_no_canonical_text_is_refused(raw: bytes) -> None:
    with pytest.raises(NotCanonicalError):
        canonical_record(raw)
