"""Remapping: what landed before, read as the profile says now.

Belongs here: the command ``connect remap``. Does not belong here: the entry and its effect
(``pipeline.ingest.remapping``).
"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from cli.reconciling import chosen_streams
from cli.words import Given
from pipeline.errors import ExitCode, RefusedError
from pipeline.ingest.profile import load_profile
from pipeline.ingest.remapping import correct_mappings
from pipeline.settings import RestConnection
from resources.workspace import Workspace


def remap(
    connection: str,
    stream: str | None = None,
    *,
    reason: Annotated[str, Parameter(help="Why; it is kept for ever.")],
    context: Given,
) -> int:
    """Let what landed of CONNECTION's STREAM (or of all) be read as its profile says now, from the next sync on.

    For a profile that was wrong. Where the API changed and the profile followed it, old records are right as they are.
    """
    settings = context.settings()
    (streams,) = chosen_streams(settings, connection, stream).values()
    own = settings.connections[connection]
    if not isinstance(own, RestConnection):
        message = f"Connection {connection} is a folder of files: it has no profile."
        raise RefusedError(message)
    profile = load_profile(settings.folder / own.profile)
    actor = context.actor()
    with Workspace.open(settings, context.home, what="remap", actor=actor, say=context.out.say) as workspace:
        corrected = correct_mappings(
            workspace.journal, workspace.turn, connection, profile, streams, actor=actor, reason=reason
        )
    document = {"connection": connection, "corrected": corrected, "actor": actor, "reason": reason}
    lines = [
        f"{name}: what landed is read as the profile says now, from the next `vipgrid sync` on"
        f" ({', '.join(fields) or 'the fields that it knows'})."
        for name, fields in corrected.items()
    ]
    context.out.sentences(document, lines or ["All that landed is read as the profile says now already."])
    return ExitCode.DONE
