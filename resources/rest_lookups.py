"""Look-ups: finding out which of our keys a remote has.

Belongs here: the question, and the keys in its answer. Does not belong here: asking (``resources.rest``), writing
(``resources.rest_writes``).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from pipeline.ingest.client import Answer, ReadRequest
from pipeline.ingest.nested import cut_records
from pipeline.ingest.pages import PageError, Unreadable
from pipeline.ingest.paths import found_at, parse_path, put_at
from pipeline.ingest.profile_writes import Lookup


def request_for(lookup: Lookup, keys: Sequence[str]) -> ReadRequest:
    """Return the request that asks for keys; they are no more than ``lookup.size``."""
    path = lookup.path.format(key=quote(keys[0], safe="")) if lookup.is_by_path else lookup.path
    body = None
    query = list(lookup.query.items())
    if lookup.method == "POST" or lookup.graphql is not None:
        body = _body(lookup, keys)
    elif not lookup.is_by_path:
        query += [(lookup.param, key) for key in ([_joined(lookup, keys)] if lookup.separator else keys)]
    return ReadRequest(path=path, query=tuple(query), body=body, headers=lookup.headers, rules=lookup.errors)


def keys_in(lookup: Lookup, keys: Sequence[str], answer: Answer) -> dict[str, str]:
    """Return the remote ids of those of the keys that an answer has.

    Raises:
        PageError: it is not what the profile says.

    """
    if answer.verdict == "nothing":
        return {}
    found = {}
    for item in cut_records(answer.body, lookup, answer.parts).records(lookup):
        record = _read(item)
        key = keys[0] if lookup.is_by_path else found_at(record, lookup.key)
        remote_id = found_at(record, lookup.id)
        if key is not None and str(key) in keys and remote_id is not None:
            found[str(key)] = str(remote_id)
    return found


def _body(lookup: Lookup, keys: Sequence[str]) -> bytes:
    words: Any = copy.deepcopy(dict(lookup.graphql.variables if lookup.graphql else lookup.body or {}))
    if not lookup.is_by_path:
        is_one = lookup.separator is not None or lookup.size == 1
        put_at(words, parse_path(lookup.param), _joined(lookup, keys) if is_one else list(keys))
    return msgspec.json.encode(words if lookup.graphql is None else {"query": lookup.graphql.query, "variables": words})


def _joined(lookup: Lookup, keys: Sequence[str]) -> str:
    return (lookup.separator or "").join(keys)


def _read(item: bytes | Unreadable) -> Any:
    if isinstance(item, Unreadable):
        raise PageError(item.reason)
    try:
        return msgspec.json.decode(item)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PageError(str(error)) from error
