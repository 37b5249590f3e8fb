"""Words for codes: what a notice calls a right, a channel, a version, in the template's language.

Belongs here: reading and checking ``templates/<language>/words.txt``, putting words in the place of codes. Does not
belong here: sentences (the templates), which codes a pattern says (``sql/sync``).

A pattern's lines mark a code as ``{view}``; whatever is marked and no code of ours stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.errors import ConfigurationError

WORDS_FILE: Final = "words.txt"
CODES: Final = (
    "version",
    "view",
    "download",
    "redistribute",
    "deny",
    "portal",
    "email_link",
    "sftp",
    "as2",
    "api",
)
_MARKED: Final = re.compile(r"\{(" + "|".join(CODES) + r")\}")
Words = Mapping[str, str]


def read_words(path: Path) -> Words:
    """Read lines ``code = words``; empty lines and ``#`` are left out.

    Raises:
        ConfigurationError: the file is missing, lacks a code, has an unknown one, or a line is not of the form.

    """
    name = f"{path.parent.name}/{path.name}"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        message = f"The words of notices, {name}, cannot be read: {error}."
        raise ConfigurationError(message) from error
    words: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        code, equals, said = (part.strip() for part in line.partition("="))
        if not equals or not said or code not in CODES:
            codes = ", ".join(CODES)
            message = f"The words of notices, {name}, line {number}, are not 'code = words' with a code of {codes}."
            raise ConfigurationError(message)
        words[code] = said
    missing = [code for code in CODES if code not in words]
    if missing:
        message = f"The words of notices, {name}, lack {', '.join(missing)}."
        raise ConfigurationError(message)
    return words


def in_words(text: str, words: Words) -> str:
    """Put words in the place of marked codes."""
    return _MARKED.sub(lambda found: words[found[1]], text) if "{" in text else text


def as_codes(text: str) -> str:
    """Take the marks away: what a partner's systems read."""
    return _MARKED.sub(lambda found: found[1], text) if "{" in text else text


def each_in_words(codes: str, words: Words) -> str:
    """Put words in the place of codes with commas between them; what is no code stays."""
    return ", ".join(words.get(code, code) for code in codes.split(", "))
