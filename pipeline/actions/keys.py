"""The identity of an effect: the same cause has the same key after any crash or rebuild.

Belongs here: the deduplication key of docs/domain.md, section 10, and the action's id made of it.
Does not belong here: who decides that there is an action (``pipeline.actions.decide``).
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Final

INITIAL_STEP: Final = "initial"
_NAMESPACE: Final = uuid.UUID("6f1f7a52-3d0e-5f5e-9a4e-0c5b8f2d7e11")


def joined(*parts: str) -> str:
    """Join parts with ``|``; a ``|`` or a backslash inside a part is escaped, so no two lists give one text."""
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)


def candidate_key(partner_id: str, asset_id: str, version_no: int, kind: str, step: str = INITIAL_STEP) -> str:
    """Return the key under which a notice exists once (``sql/sync/notice_candidates.sql`` makes the same)."""
    return joined(partner_id, asset_id, str(version_no), kind, step)


def action_key(deduplication_key: str, *, redirect_to: str | None = None) -> str:
    """Return the action's id (UUIDv5); what is redirected to a test partner is another effect than the real one."""
    if redirect_to is not None:
        deduplication_key = f"{deduplication_key}|{joined('redirect', redirect_to)}"
    digest = bytearray(hashlib.sha1(_NAMESPACE.bytes + deduplication_key.encode(), usedforsecurity=False).digest()[:16])
    # RFC 9562, 5.5: version 5 and the variant. The same as uuid.uuid5, which takes four times as long.
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
