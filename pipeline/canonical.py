"""The one text and the one hash of a JSON value (RFC 8785, SHA-256).

Belongs here: what makes two records "the same content" and what the ledger hashes.
Does not belong here: file formats, fields, streams.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Final, NoReturn, TypeAlias

import msgspec
import rfc8785

from pipeline.json_structure import MAX_DEPTH, is_deeper_than

_sorted_encoder: Final = msgspec.json.Encoder(order="sorted")
# Sorts what is inside a record; the record's own names are in order already (``Hasher``).
_inner_encoder: Final = msgspec.json.Encoder(order="deterministic")
_plain_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder()

# Beyond this a double may not hold an integer exactly (RFC 8785, 3.2.2.3).
_LARGEST_INTEGER: Final = 2**53


_Scalar: TypeAlias = bool | str | Annotated[int, msgspec.Meta(gt=-_LARGEST_INTEGER, lt=_LARGEST_INTEGER)] | None
_Part: TypeAlias = _Scalar | list[_Scalar] | dict[str, _Scalar]
_Field: TypeAlias = _Scalar | list[_Part] | dict[str, _Part]
_plain_objects: Final = msgspec.json.Decoder(list[dict[str, _Field]])
"""Objects in which sorting the keys is all that RFC 8785 asks for, as deep as records mostly are."""

_NESTED: Final = 8


def _texts_only() -> Any:
    """Return the type of strings, booleans, nulls, and so many levels of lists and objects of them; no number."""
    kind: Any = bool | str | None
    for _ in range(_NESTED):
        kind = bool | str | list[kind] | dict[str, kind] | None
    return kind


# A structure, because only of a structure is it remembered how its type is checked.
_Texts: Final = msgspec.defstruct("_Texts", [("value", _texts_only())], gc=False)

_MOST_NAMES: Final = 256


class NotCanonicalError(ValueError):
    """The text is not one I-JSON object: the message says why."""


def canonical_record(raw: bytes) -> bytes:
    """Return the RFC 8785 text of one JSON object given as received.

    Raises:
        NotCanonicalError: not JSON, not an object, a duplicate key, NaN, a lone surrogate, a U+0000, nested too
            deeply, or a number that no double holds exactly (RFC 8785, 3.1; RFC 7493, 2).

    """
    if is_deeper_than(raw, MAX_DEPTH):
        raise NotCanonicalError(f"it is nested more than {MAX_DEPTH} levels deep")
    if b"\\" not in raw:
        try:
            value = _decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise NotCanonicalError(f"not JSON: {error}") from error
        if type(value) is dict and _is_complete(raw, value) and _is_plain(value):
            return _sorted_encoder.encode(value)
    return _canonical_with_care(raw)


class Hasher:
    """Hashes many records of one stream; it remembers which names they have, because then it is faster."""

    def __init__(self) -> None:
        """Know no name yet."""
        self._names: frozenset[str] = frozenset()
        self._records: msgspec.json.Decoder[list[Any]] | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names at the top of the records so far, as far as they are known."""
        return self._names

    def hashes(self, items: Sequence[bytes], listed: bytes | None = None) -> Sequence[bytes | None]:
        """Return the SHA-256 of the RFC 8785 text of each of many JSON objects as received, in hexadecimal digits.

        ``listed`` is the JSON text of a list of exactly these objects, where one is at hand.
        None where ``canonical_record`` has to look: nothing is said of such a record yet, neither good nor bad.
        """
        joined = b"[%b]" % b",".join(items) if listed is None else listed
        if b"\\" in joined or not (joined.isascii() or _has_none_beyond_u_ffff(joined)):
            return [None] * len(items)
        lines = self._sorted_lines(joined)
        # One line more, an empty one, is behind the last.
        if len(lines) - 1 != len(items):
            return [None] * len(items)
        del lines[-1]
        # Writing never lengthens what was read: equally long means that nothing is lost in it, no blank, no key twice.
        if list(map(len, lines)) == list(map(len, items)):
            return _sha256s(lines)
        return [
            sha256_hex(line).encode() if len(line) == len(item) else None
            for line, item in zip(lines, items, strict=True)
        ]

    def _sorted_lines(self, joined: bytes) -> list[bytes]:
        if self._records is not None:
            with suppress(msgspec.DecodeError, UnicodeError, RecursionError):
                return _inner_encoder.encode_lines(self._records.decode(joined)).split(b"\n")
        try:
            values = _plain_objects.decode(joined)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return []
        self._learn(values)
        return _sorted_encoder.encode_lines(values).split(b"\n")

    def _learn(self, values: list[dict[str, Any]]) -> None:
        """Keep the names for the next records: where these have no other ones, they need not become dictionaries."""
        names = self._names.union(*values)
        if names != self._names and len(names) <= _MOST_NAMES:
            self._names = names
            fields = {f"field_{place}": name for place, name in enumerate(sorted(names))}
            record = msgspec.defstruct(
                "_Record",
                [(field, _Field | msgspec.UnsetType, msgspec.UNSET) for field in fields],
                rename=fields,
                forbid_unknown_fields=True,
                gc=False,
            )
            self._records = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 text of a value.

    Raises:
        NotCanonicalError: the value has no RFC 8785 text.

    """
    try:
        return canonical_text(value) or rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise NotCanonicalError(str(error)) from error


def canonical_text(value: Any) -> bytes | None:
    """Return the RFC 8785 text of a value without numbers, fast; None where ``canonical`` has to look closer.

    Raises:
        NotCanonicalError: the value has no RFC 8785 text.

    """
    try:
        # The fastest way to see that there is nothing else: no number, no date, no key that is no string.
        msgspec.convert({"value": value}, _Texts)
        text = _sorted_encoder.encode(value)
    except (UnicodeError, RecursionError) as error:
        raise NotCanonicalError(str(error)) from error
    except msgspec.ValidationError:
        return None
    # Where no key has a character beyond U+FFFF, the order of code points is that of UTF-16 (RFC 8785, 3.2.3).
    if text.isascii() or _has_none_beyond_u_ffff(text) or not _has_key_beyond_u_ffff(value):
        return text
    return None


def _sha256s(texts: Sequence[bytes]) -> list[bytes]:
    """Return the hashes of many texts; their digits are made at once, because one by one takes as long as hashing."""
    sha256 = hashlib.sha256
    digits = b"".join([sha256(text).digest() for text in texts]).hex().encode()
    return [digits[start : start + 64] for start in range(0, len(digits), 64)]


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of the bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _has_none_beyond_u_ffff(text: bytes) -> bool:
    # Five searches for one byte each are faster than one for any of them.
    return not (b"\xf0" in text or b"\xf1" in text or b"\xf2" in text or b"\xf3" in text or b"\xf4" in text)


def _has_key_beyond_u_ffff(value: object) -> bool:
    if isinstance(value, dict):
        return any(max(key, default="") > "\uffff" or _has_key_beyond_u_ffff(part) for key, part in value.items())
    return isinstance(value, list | tuple) and any(map(_has_key_beyond_u_ffff, value))


def _is_complete(raw: bytes, value: dict[str, Any]) -> bool:
    """Say whether nothing but blanks between tokens is lost in the value: no key was there twice."""
    compact = _plain_encoder.encode(value)
    return compact in (raw, raw.replace(b'": ', b'":').replace(b', "', b',"'))


def _is_plain(value: object) -> bool:
    """Say whether sorting by code point and writing numbers as they came is what RFC 8785 says."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if isinstance(value, int):
        return -_LARGEST_INTEGER < value < _LARGEST_INTEGER
    if isinstance(value, dict):
        return all(key.isascii() and (type(part) is str or _is_plain(part)) for key, part in value.items())
    return isinstance(value, list) and all(map(_is_plain, value))


def _canonical_with_care(raw: bytes) -> bytes:
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise NotCanonicalError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise NotCanonicalError(f"a JSON {type(value).__name__} stands where an object is expected")
    if b"\\u0000" in raw and _has_null_character(value):
        raise NotCanonicalError("a string holds U+0000")
    if b"\\u" in raw and not _is_text(value):
        raise NotCanonicalError("a string holds half of a surrogate pair")
    return canonical(value)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotCanonicalError("a key occurs twice in one object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise NotCanonicalError(f"{name} is not JSON")


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        return False
    return True


def _has_null_character(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_null_character(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_has_null_character(part) for part in value)
