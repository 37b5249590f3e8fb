"""What is wrong in a profile, in its own words and not in those of the library that checks it.

Belongs here: sentences for kinds of mistakes. Does not belong here: where they are in the file
(``pipeline.ingest.profile``), mistakes that a word's own check tells.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final

_EXTRA: Final = "extra_forbidden"
_SENTENCES: Final = {
    "missing": "it is missing",
    "string_type": "it is to be a text: in quotes, where YAML takes it for something else",
    "tuple_type": "it is to be a list, such as [a, b]",
    "dict_type": "it is to be words with their values, such as {word: value}",
    "mapping_type": "it is to be words with their values, such as {word: value}",
    "model_type": "it is to be words with their values, such as {word: value}",
    "model_attributes_type": "it is to be words with their values, such as {kind: ..., word: value}",
    "union_tag_not_found": "it does not say its 'kind'",
    "int_type": "it is to be a whole number",
    "int_parsing": "it is to be a whole number",
    "int_from_float": "it is to be a whole number",
    "float_type": "it is to be a number",
    "float_parsing": "it is to be a number",
    "bool_type": "it is to be true or false",
    "bool_parsing": "it is to be true or false",
}


def reason(problem: Mapping[str, Any], words: Iterable[str]) -> str:
    """Return what is wrong; ``words`` are all that a profile knows."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == _EXTRA:
        word = str(problem["loc"][-1])
        return f"there is no field {word!r} here{meant(word, words)}; docs/profiles_reference.md lists every word"
    if kind == "union_tag_invalid":
        return f"there is no kind {context['tag']!r}: it is one of {context['expected_tags'].replace(chr(39), '')}"
    if kind == "literal_error":
        return f"it is one of {context['expected'].replace(chr(39), '').replace(' or ', ', ')}"
    return _SENTENCES.get(kind, str(problem["msg"]).removeprefix("Value error, "))


def meant(word: str, known: Iterable[str]) -> str:
    """Ask whether another word was meant, where one is near."""
    near = difflib.get_close_matches(word, [name for name in known if name != word], n=1)
    return f" (did you mean {near[0]}?)" if near else ""
