"""Correcting a mapping: what landed before is read as the profile says now, because a person decided so.

Belongs here: the entry, which streams it is for. Does not belong here: its effect on chunks
(``pipeline.ingest.landed``), who asks for it (``cli.remapping``).

A profile changes because it was wrong, or because the API did. In the second case old records have to be read as they
were; so nothing that landed is read otherwise until a person says that it was the first (docs/decisions/0022).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipeline.errors import RefusedError
from pipeline.ingest.landed import MAPPING_CORRECTED, former_fields, landed_chunks
from pipeline.ingest.profile import Profile
from pipeline.ingest.reading import known_fields, mapping_of, marked_mapping
from pipeline.ledger.journal import PERSON_ROLE, Draft, Journal
from pipeline.ledger.turns import Turn
from pipeline.streams import STREAMS


def correct_mappings(  # noqa: PLR0913 - what is corrected, where, by whom
    journal: Journal, turn: Turn, connection: str, profile: Profile, streams: Sequence[str], *, actor: str, reason: str
) -> dict[str, list[str]]:
    """Journal for each stream that has records of another mapping that they are read as the profile says now.

    Returns the fields that are read otherwise from now on, by stream; a stream without any is left alone.

    Raises:
        RefusedError: nobody, or no reason.

    """
    if not actor.strip() or not reason.strip():
        message = "A correction needs a person (--actor) and a reason (--reason)."
        raise RefusedError(message)
    chunks = landed_chunks(journal)
    corrected: dict[str, list[str]] = {}
    drafts = []
    for name in streams:
        stream, own = STREAMS[name], profile.of_stream(name)
        # As the journal gives it back.
        mapping = json.loads(json.dumps(mapping_of(stream, own)))
        known = known_fields(stream, own)
        of_stream = [landed for landed in chunks if (landed.stream, landed.connection) == (name, connection)]
        fields = sorted(former_fields(of_stream, mapping))
        if not fields and all(landed.known_fields == known for landed in of_stream):
            continue
        corrected[name] = fields
        drafts.append(
            Draft(
                kind=MAPPING_CORRECTED,
                known_at=turn.known_at,
                actor=actor.strip(),
                role=PERSON_ROLE,
                run_id=turn.id,
                source=stream.system.value,
                source_id=name,
                occurred_at=turn.now,
                reason=reason.strip(),
                data={
                    "connection": connection,
                    "mapping": mapping,
                    "marked_mapping": dict(marked_mapping(stream, own)),
                    "known_fields": None if known is None else list(known),
                },
            )
        )
    journal.append(drafts)
    return corrected
