"""Text from outside made harmless for the inside of a notice.

Belongs here: control characters, bidirectional overrides, length (a notice has to fit a journal entry).
Does not belong here: wording.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

MAX_LINE_CHARACTERS: Final = 200
MAX_BLOCK_CHARACTERS: Final = 1_500
_BREAKS: Final = re.compile(r"\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]")
# C0 and C1 controls, marks that turn the direction of text, the byte order mark, lone surrogates.
_HARMFUL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_INDENT: Final = "    "


@lru_cache(maxsize=65_536)
def one_line(raw: str, most: int = MAX_LINE_CHARACTERS) -> str:
    """Return the text on one line, without control characters, at most ``most`` of them."""
    # What can be printed, blanks being the one kind of space, has nothing harmful and no breaks.
    if raw.isprintable():
        return _shortened(" ".join(raw.split()), most)
    return _shortened(" ".join(_HARMFUL.sub("", _BREAKS.sub(" ", raw)).split()), most)


def block(raw: str) -> str:
    """Return the text with its lines, each indented, so that quoted text cannot pose as the notice's own."""
    cleaned = _shortened(_HARMFUL.sub("", _BREAKS.sub("\n", raw)).strip(), MAX_BLOCK_CHARACTERS)
    return "\n".join(_INDENT + " ".join(line.split()) for line in cleaned.split("\n") if line.strip())


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 2].rstrip() + " …"
