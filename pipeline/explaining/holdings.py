"""What the partner holds: copy by copy, and which attestations took copies away.

Belongs here: sentences about copies and removals (docs/domain.md, 5 and 6). Does not belong here: what it should hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipeline.explaining.pair import Copy, Pair, Removal
from pipeline.explaining.statement import Statement, says
from pipeline.explaining.wording import counted

OBTAINED_RUNG: Final = 4


def explain_holdings(pair: Pair) -> list[Statement]:
    """List the copies that it holds, and the attestations that count."""
    copies = [_copy(pair, copy) for copy in pair.copies]
    if not copies:
        never = pair.holding is None
        copies = [says("it never obtained a copy" if never else "it holds no copy any more")]
    return [*copies, *_removals(pair)]


def _copy(pair: Pair, copy: Copy) -> Statement:
    what = "a version that is not known" if copy.version_no is None else f"version {copy.version_no}"
    first, last = pair.zone.at(copy.first_obtained_at), pair.zone.at(copy.last_obtained_at)
    when = (
        f"obtained at {first}"
        if copy.copies == 1
        else f"{counted(copy.copies, 'copy')}, obtained from {first} to {last}"
    )
    seqs = sorted(
        row["seq"]
        for row in pair.trail
        if row["evidence_rung"] == OBTAINED_RUNG
        and row["version_no"] == copy.version_no
        and row["superseded_by"] is None
        and copy.first_obtained_at <= row["occurred_at"] <= copy.last_obtained_at
    )
    return says(f"it holds {what}: {when}", at=copy.first_obtained_at, seqs=seqs)


def _removals(pair: Pair) -> Iterator[Statement]:
    for removal in pair.removals:
        if removal.attested_at > pair.as_of:
            continue
        seqs = [row["seq"] for row in pair.trail if row["subject_id"] == removal.ack_id]
        yield says(
            f"at {pair.zone.at(removal.attested_at)} it was attested that {_removed(removal)}{_revoked(pair, removal)}",
            f"acknowledgment {removal.ack_id}",
            at=removal.attested_at,
            seqs=seqs,
        )


def _removed(removal: Removal) -> str:
    if removal.spares_version_no is None:
        return "all copies obtained until then are removed"
    return f"all copies obtained until then are removed, except of version {removal.spares_version_no}"


def _revoked(pair: Pair, removal: Removal) -> str:
    if removal.revoked_at is None or removal.revoked_at > pair.as_of:
        return ""
    return f"; that was revoked at {pair.zone.at(removal.revoked_at)}, and counts no more"
