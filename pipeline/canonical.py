"""The one text and the one hash of a JSON value (RFC 8785, SHA-256).

Belongs here: what makes two records "the same content" and what the ledger hashes.
Does not belong here: file formats, fields, streams.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, NoReturn

import msgspec
import rfc8785

_sorted_encoder: Final = msgspec.json.Encoder(order="sorted")
_plain_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder()

# Beyond this a double may not hold an integer exactly (RFC 8785, 3.2.2.3).
_LARGEST_INTEGER: Final = 2**53


class NotCanonicalError(ValueError):
    """The text is not one I-JSON object: the message says why."""


def canonical_record(raw: bytes) -> bytes:
    """Return the RFC 8785 text of one JSON object given as received.

    Raises:
        NotCanonicalError: not JSON, not an object, a duplicate key, NaN, a lone surrogate,
            a U+0000, or a number that no double holds exactly (RFC 8785, 3.1; RFC 7493, 2).

    """
    if b"\\" not in raw:
        try:
            value = _decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise NotCanonicalError(f"not JSON: {error}") from error
        if type(value) is dict and _is_complete(raw, value) and _is_plain(value):
            return _sorted_encoder.encode(value)
    return _canonical_with_care(raw)


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 text of a value.

    Raises:
        NotCanonicalError: the value has no RFC 8785 text.

    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise NotCanonicalError(str(error)) from error


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of the bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


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
    return canonical(value)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotCanonicalError("a key occurs twice in one object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise NotCanonicalError(f"{name} is not JSON")


def _has_null_character(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_null_character(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_has_null_character(part) for part in value)
