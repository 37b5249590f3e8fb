"""Findings: what was found open and what is gone again, journalled as it happens.

Belongs here: comparing the conditions of this turn (``audit.conditions``) with the findings that the
journal holds open. Does not belong here: the rules themselves (``sql/audit/*_conditions.sql``), the table
that people read (``sql/audit/findings.sql``, a fold of these entries).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from pipeline.ledger.journal import Draft, Journal, Value
from pipeline.ledger.turns import Turn
from pipeline.sqlmodels.relations import Connection

FINDING_OPENED: Final = "finding_opened"
FINDING_CLOSED: Final = "finding_closed"


@dataclass(frozen=True, slots=True)
class FindingsOutcome:
    """How many findings this turn opened and closed."""

    opened: int
    closed: int


def journal_findings(connection: Connection, journal: Journal, turn: Turn) -> FindingsOutcome:
    """Append an entry for each condition that is new and each open finding whose condition is gone.

    Running it again in the same state appends nothing.
    """
    seen = {
        row[0]: row
        for row in connection.sql(
            "select finding_id, rule, severity, partner_id, asset_id, version_no, evidence, detail"
            " from audit.conditions order by finding_id"
        ).fetchall()
    }
    is_open = _open_findings(journal)
    opened = [_opened(turn, row) for finding_id, row in seen.items() if finding_id not in is_open]
    closed = [
        turn.draft(FINDING_CLOSED, {"finding_id": finding_id}, source_id=finding_id)
        for finding_id in sorted(is_open.keys() - seen.keys())
    ]
    journal.append([*opened, *closed])
    return FindingsOutcome(len(opened), len(closed))


def _open_findings(journal: Journal) -> dict[str, bool]:
    is_open: dict[str, bool] = {}
    for entry in journal.entries(frozenset({FINDING_OPENED, FINDING_CLOSED})):
        finding_id = str(entry.source_id)
        if entry.kind == FINDING_OPENED:
            is_open[finding_id] = True
        else:
            is_open.pop(finding_id, None)
    return is_open


def _opened(turn: Turn, row: tuple[object, ...]) -> Draft:
    finding_id, rule, severity, partner_id, asset_id, version_no, evidence, detail = row
    data: dict[str, Value] = {
        "finding_id": str(finding_id),
        "rule": str(rule),
        "severity": str(severity),
        "partner_id": None if partner_id is None else str(partner_id),
        "asset_id": None if asset_id is None else str(asset_id),
        "version_no": None if version_no is None else str(version_no),
        "evidence": [str(seq) for seq in json.loads(json.dumps(evidence or []))],
        "detail": None if detail is None else str(detail),
    }
    return turn.draft(FINDING_OPENED, data, source_id=str(finding_id))
