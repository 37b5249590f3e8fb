"""What would be: the answer to a what-if, for people.

Belongs here: order and layout. Does not belong here: what follows (``pipeline.whatif``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cli.output import DASH, shown
from cli.prose import Prose
from pipeline.explaining.wording import counted
from pipeline.whatif.telling import campaign_sentences, names, silent_sentences, told_sentences

ROWS_SHOWN: Final = 20
NOTHING_ELSE: Final = "That lies ahead: it is taken that nothing else happens until then."
_ARROW: Final = "\u2192"
Document = Mapping[str, Any]


def show_supposed(prose: Prose, document: Document, origin: str, limit: int | None) -> None:
    """Show everything that follows, what matters first."""
    most = ROWS_SHOWN if limit is None else limit
    _show_question(prose, document, origin)
    _show_positions(prose, document["positions"], most)
    told = document["to_be_told"]
    partners = len({row["partner_id"] for row in told})
    prose.heading(f"Who must be told: {counted(partners, 'partner') if partners else 'nobody'}")
    prose.items(told_sentences(told))
    if document["no_longer_due"]:
        rows = document["no_longer_due"]
        prose.items([(f"no longer due: notices to {counted(len(rows), 'partner')}", names(rows))])
    if document["not_told"]:
        prose.heading("Who is concerned and would hear nothing")
        prose.items(silent_sentences(document["not_told"]))
    _show_exposed(prose, document["exposed"])
    prose.heading("Campaigns")
    prose.items(campaign_sentences(document["campaigns"]) or [("none launches with another version", "")])
    if document["obligations"]:
        _show_obligations(prose, document["obligations"])
    if "drill" in document:
        _show_drill(prose, document["drill"], most)
    prose.paragraph("")
    prose.paragraph("Nothing was written, and nothing was sent.", style="dim")


def _show_question(prose: Prose, document: Document, origin: str) -> None:
    titles = {asset["asset_id"]: asset["title"] for asset in document["assets"]}
    prose.paragraph("What if", style="bold")
    prose.items(
        (change["sentence"], f"mind: {change['note']}" if change["note"] else "") for change in document["supposed"]
    )
    named = [f"{asset_id}: {title}" for asset_id, title in titles.items() if title][:ROWS_SHOWN]
    for line in (*named, origin):
        prose.paragraph(line, style="dim")
    if document["is_future"]:
        prose.paragraph(NOTHING_ELSE, style="dim")


def _show_positions(prose: Prose, positions: Document, most: int) -> None:
    changed, pairs = positions["changed"], positions["pairs"]
    verb = "stands" if changed == 1 else "stand"
    prose.heading(f"Positions: {changed} of {counted(pairs, 'pair')} {verb} otherwise")
    if not changed:
        return
    prose.table(
        ("as it is", "as supposed", "pairs", "partners"),
        ((_spoken(move["from"]), _spoken(move["to"]), move["pairs"], move["partners"]) for move in positions["moves"]),
    )
    prose.paragraph("")
    rows = positions["rows"]
    has_assets = len({row["asset_id"] for row in rows}) > 1
    prose.table(
        ("partner", *(("asset",) if has_assets else ()), "as it is", "as supposed", "holds", "should hold"),
        (_position(row, has_assets=has_assets) for row in rows[:most]),
    )
    _say_more(prose, len(rows), most)


def _position(row: Document, *, has_assets: bool) -> tuple[object, ...]:
    target, other = row["from_target_version_no"], row["to_target_version_no"]
    should = shown(target) if target == other else f"{shown(target)} {_ARROW} {shown(other)}"
    marks = [_spoken(row["to_position"])]
    if row["is_exposed"] and not row["was_exposed"]:
        marks.append("exposed")
    if row["was_entitled"] and not row["entitled"]:
        marks.append("not entitled")
    asset = (row["asset_id"],) if has_assets else ()
    return (_partner(row), *asset, _spoken(row["from_position"]), ", ".join(marks), row["held_versions"], should)


def _show_exposed(prose: Prose, exposed: Document) -> None:
    prose.heading("Exposure")
    items = []
    for word, rows in (("become exposed", exposed["newly"]), ("are exposed no longer", exposed["no_longer"])):
        if rows:
            items.append((f"{counted(len(rows), 'pair')} {word if len(rows) > 1 else _singular(word)}", names(rows)))
    prose.items(items or [("nobody becomes exposed, and nobody ceases to be", "")])


def _singular(words: str) -> str:
    return words.replace("become ", "becomes ").replace("are ", "is ")


def _show_obligations(prose: Prose, rows: Sequence[Document]) -> None:
    prose.heading("Answers that are owed")
    counts: dict[tuple[str, str, str], int] = {}
    for row in rows:
        key = (_spoken(row["kind"]), _spoken(row["from_state"] or "none"), _spoken(row["to_state"] or "none"))
        counts[key] = counts.get(key, 0) + 1
    prose.table(
        ("kind", "as it is", "as supposed", "answers"), ((*key, count) for key, count in sorted(counts.items()))
    )


def _show_drill(prose: Prose, drill: Document, most: int) -> None:
    holders, possible = drill["holders"], drill["possible_holders"]
    prose.heading(f"Withdrawal drill: {counted(holders, 'partner')} would have to remove it")
    unmatched = len(drill["unmatched_downloads"])
    others = drill["holders_of_other_versions"]
    prose.items(
        (sentence, "")
        for sentence in (
            f"a copy of unknown version, which may be it, is with {counted(possible, 'partner')}",
            f"downloads of it, or of an unknown version, by nobody who is known: {unmatched}",
            f"only other versions of the asset are with {counted(others, 'partner')}",
        )
    )
    rows = [row for row in drill["copies"] if row["is_withdrawn_copy"] is not False]
    prose.table(
        ("holder", "version", "copies", "first obtained", "last obtained"),
        (
            (
                _partner(row),
                row["version_no"] or "unknown",
                row["copies"],
                row["first_obtained_at"],
                row["last_obtained_at"],
            )
            for row in _unknown_last(rows)[:most]
        ),
    )
    _say_more(prose, len(rows), most)


def _unknown_last(rows: Iterable[Document]) -> list[Document]:
    return sorted(rows, key=lambda row: (row["version_no"] is None, row["asset_id"], row["partner_id"]))


def _say_more(prose: Prose, total: int, most: int) -> None:
    if total > most:
        prose.paragraph(f"  and {total - most} more: --limit {total}, or --json.", style="dim")


def _partner(row: Document) -> str:
    name = f" {row['partner_name']}" if row["partner_name"] else ""
    return f"{row['partner_id']}{name} ({row['region'] or DASH})"


def _spoken(name: object) -> str:
    return "no position" if name is None else str(name).replace("_", " ")
