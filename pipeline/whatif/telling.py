"""Telling: what follows from supposed changes, as one document, and in sentences.

Belongs here: what a what-if answers, and the words for it. Does not belong here: layout (``cli``), the questions to the
tables (``pipeline.whatif.differences``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from pipeline.explaining.wording import counted
from pipeline.sqlmodels.relations import Connection, Question
from pipeline.whatif import differences
from pipeline.whatif.changes import Change, Withdrawn

NAMES_SHOWN: Final = 8
_RULES: Final = {
    "holds_a_version_that_is_barred_for_it": "they hold it, and it is barred for them",
    "may_no_longer_use_its_target": "it was the one for them to hold, and is barred for them",
    "may_no_longer_download_it": "they may no longer download it",
}
_REASONS: Final = {
    "partner_left": "have left: what they hold stays exposed, and nobody is told",
    "duplicate": "were told of it already",
    "snoozed": "are snoozed by a person",
    "no_contact": "have nobody who can be reached",
    "data_late": "are not told while the feeds are late",
    "due_anyway": "are told anyway: their notice is due as things are",
    "never_obtained_it": "never obtained it",
    "holds_nothing": "hold no copy any more",
    "holds_an_unknown_version": "hold a copy whose version nobody knows: it may be this one",
    "holds_the_target": "hold what they should",
    "barred": "hold what is barred for them, as before",
    "nothing_to_change_to": "hold another version, and there is nothing to change to",
    "nothing_is_due": "stand otherwise, but no notice is due for that",
}
_BLOCKS: Final = {
    "no_version": "no version of it is live at the launch",
    "barred": "it is barred for them",
    "not_entitled": "they may not download it",
    "embargo": "they may obtain it only later",
    "no_launch_date": "no launch date is set",
}
Row = Mapping[str, Any]


def tell(connection: Connection, changes: Sequence[Change], question: Question) -> dict[str, Any]:
    """Compare what is with what would be, and return everything that follows."""
    changed = differences.changed_positions(connection)
    assets = differences.rows(connection, "select asset_id, title, classification from core.assets order by asset_id")
    pairs = differences.rows(connection, "select count(*) as n from before.positions")[0]["n"]
    document = {
        "supposed": [{**change.document(), "sentence": change.sentence} for change in changes],
        "assets": assets,
        "positions": {
            "pairs": pairs,
            "changed": len(changed),
            "partners": len({row["partner_id"] for row in changed}),
            "moves": differences.counted_moves(changed),
            "rows": changed,
        },
        "to_be_told": differences.to_be_told(connection, question),
        "not_told": differences.not_told(connection, question),
        "no_longer_due": differences.no_longer_due(connection),
        "campaigns": differences.campaigns_touched(connection),
        "exposed": {
            "newly": [_named(row) for row in changed if row["is_exposed"] and not row["was_exposed"]],
            "no_longer": [_named(row) for row in changed if row["was_exposed"] and not row["is_exposed"]],
        },
        "obligations": differences.changed_obligations(connection),
    }
    if any(isinstance(change, Withdrawn) for change in changes):
        document["drill"] = _drill(connection, changes, question)
    return document


def _named(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("partner_id", "partner_name", "region", "asset_id", "to_position")}


def _drill(connection: Connection, changes: Sequence[Change], question: Question) -> dict[str, Any]:
    """List who holds what is withdrawn, what may be it, and who holds other versions."""
    gone = {(change.asset_id, change.version_no) for change in changes if isinstance(change, Withdrawn)}
    assets = {asset_id for asset_id, _ in gone}
    copies = [row for row in differences.holders(connection) if row["asset_id"] in assets]
    for row in copies:
        is_it = (row["asset_id"], row["version_no"]) in gone
        row["is_withdrawn_copy"] = None if row["version_no"] is None else is_it
    unmatched = [
        row
        for row in differences.unmatched_downloads(connection, question)
        if row["version_no"] is None or (row["asset_id"], row["version_no"]) in gone
    ]
    holders = {row["partner_id"] for row in copies if row["is_withdrawn_copy"]}
    possible = {row["partner_id"] for row in copies if row["is_withdrawn_copy"] is None}
    return {
        "holders": len(holders),
        "possible_holders": len(possible),
        "holders_of_other_versions": len({row["partner_id"] for row in copies} - holders - possible),
        "copies": copies,
        "unmatched_downloads": unmatched,
    }


def _partners(rows: Iterable[Row]) -> int:
    return len({row["partner_id"] for row in rows})


def told_sentences(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Say who must be told what, by kind: a sentence, and who they are."""
    found = []
    for (is_sent, kind, asset_id, version_no, rule), group in groupby(
        sorted(
            rows,
            key=lambda row: (not row["is_sent"], row["kind"], row["asset_id"], row["version_no"] or 0, row["rule"]),
        ),
        key=lambda row: (row["is_sent"], row["kind"], row["asset_id"], row["version_no"], row["rule"]),
    ):
        own = list(group)
        what = asset_id if version_no is None else f"version {version_no} of {asset_id}"
        how = "a notice would be sent" if is_sent else "no notice is sent by itself, a person has to tell"
        why = _RULES.get(rule)
        text = f"{_spoken(kind)}, {what}: {counted(_partners(own), 'partner')}; {how}"
        found.append((f"{text} ({why})" if why else text, names(own)))
    return found


def silent_sentences(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Say who would hear nothing, by reason: a sentence, and who they are."""
    found = []
    for reason, group in groupby(sorted(rows, key=lambda row: str(row["reason"])), key=lambda row: row["reason"]):
        own = list(group)
        found.append(
            (f"{counted(_partners(own), 'partner')}: they {_REASONS.get(reason, _spoken(reason))}", names(own))
        )
    return found


def campaign_sentences(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Say which campaigns break or change, by item: a sentence, and whom it concerns."""
    found = []
    keys = (
        "campaign_id",
        "campaign_name",
        "asset_id",
        "from_version_no",
        "to_version_no",
        "to_blocked_by",
        "is_required",
    )
    ordered = sorted(rows, key=lambda row: tuple(str(row[name]) for name in keys))
    for _, group in groupby(ordered, key=lambda row: tuple(row[name] for name in keys)):
        own = list(group)
        found.append((_campaign(own[0], own), names(own)))
    return found


def _campaign(one: Row, rows: Sequence[Row]) -> str:
    left, taken, asset_id = one["from_version_no"], one["to_version_no"], one["asset_id"]
    who = counted(_partners(rows), "partner")
    if one["to_blocked_by"] is not None and one["from_blocked_by"] != one["to_blocked_by"]:
        text = (
            f"{who} cannot launch with {asset_id}: {_BLOCKS.get(one['to_blocked_by'], _spoken(one['to_blocked_by']))}"
        )
    elif taken == left:
        text = f"{who} would be otherwise with version {taken} of {asset_id}: {_spoken(one['to_state'])}"
    elif left is None:
        text = f"{who} would launch with version {taken} of {asset_id}, and have nothing to launch with as things are"
    else:
        text = f"{who} would launch with version {taken} of {asset_id} instead of version {left}"
    lost = _partners(row for row in rows if row["was_ready"] and not row["is_ready"])
    won = _partners(row for row in rows if row["is_ready"] and not row["was_ready"])
    more = [
        f"; {lost} of them would be ready no longer" if lost else "",
        f"; {won} of them would be ready" if won else "",
    ]
    required = "" if one["is_required"] else " (not required)"
    return f"{one['campaign_name']} ({one['campaign_id']}): {text}{''.join(more)}{required}"


def names(rows: Sequence[Row]) -> str:
    """Name the partners of some rows, the first few of them."""
    found = {row["partner_id"]: row["partner_name"] for row in rows}
    shown = [f"{one} {name}" if name else str(one) for one, name in list(found.items())[:NAMES_SHOWN]]
    left = len(found) - len(shown)
    return "; ".join(shown) + (f"; and {left} more" if left else "")


def _spoken(name: object) -> str:
    return str(name).replace("_", " ")
