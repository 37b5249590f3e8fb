"""Which code this is.

Belongs here: the version that manifests, entries and reports name. Does not belong here: format versions
(each beside its format).
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

VERSION: Final = "0.1.0"
_ROOT: Final = Path(__file__).parent.parent
_RULES: Final = ("pipeline", "sql")


@cache
def code_version() -> str:
    """Return the version and a digest of the rules' text (``pipeline/``, ``sql/``): the same text, the same name."""
    digest = hashlib.sha256()
    for folder in _RULES:
        for path in sorted((_ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".sql"}:
                digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{VERSION}+{digest.hexdigest()[:12]}"
