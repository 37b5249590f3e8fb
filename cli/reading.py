"""Reading: positions, holders, status. They change nothing, need no configuration, and never import dagster.

Belongs here: the questions that people ask at a terminal, as SQL over tables that others may rely on.
Does not belong here: how the tables are opened (``resources.reading``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from cyclopts import App, Parameter

from cli.context import Context
from cli.output import Output, shown
from cli.states import STATUS_NEEDS, read_status, show_status
from cli.words import AsOf, Given
from pipeline.errors import ExitCode, RefusedError
from pipeline.instants import format_instant, parse_span
from resources.reading import Origin, Past, Reader, about, open_reader

ROWS_SHOWN: Final = 50
DEFAULT_RECIPIENTS_WITHIN: Final = "365d"
Limit = Annotated[int | None, Parameter(help="At most so many rows (a table for people shows 50 unless told).")]
Within = Annotated[str, Parameter(help="How far back `recipients` goes, for instance 90d.")]


def add_to(app: App) -> None:
    """Add the reading commands."""
    for command in (positions, holders, status):
        app.command(command)


def positions(  # noqa: PLR0913 - the filters of a question
    partner: str | None = None,
    *,
    asset: str | None = None,
    position: str | None = None,
    as_of: AsOf = None,
    known_at: AsOf = None,
    limit: Limit = None,
    context: Given,
) -> int:
    """Where each partner stands with each asset; of one PARTNER, asset or position, also of the past."""
    targets = ("freshness.positions", "core.partners", "core.assets")
    past = Past(as_of=as_of, known_at=known_at, targets=targets, only=about(partner=partner, asset=asset))
    with context.out.progress("asking"), open_reader(context.home, past) as reader:
        refuse_unknown(reader, partner=partner, asset=asset)
        where = {"partner_id": partner, "asset_id": asset, "position": position}
        conditions = " and ".join(f"positions.{name} = ${name}" for name, value in where.items() if value is not None)
        query = (
            "select positions.*, partners.name as partner_name, assets.title as asset_title"  # noqa: S608 - names of ours
            f" from {reader.table('freshness.positions')} as positions"
            f" left join {reader.table('core.partners')} as partners on partners.partner_id = positions.partner_id"
            f" left join {reader.table('core.assets')} as assets on assets.asset_id = positions.asset_id"
            f" where {conditions or 'true'} order by positions.partner_id, positions.asset_id"
        )
        rows = reader.rows(query, {name: value for name, value in where.items() if value is not None})
        counts = _counted(rows)
        document = {**origin_of(reader), "total": len(rows), "positions": counts, "rows": rows[:limit]}
    context.out.result(document, lambda: _show_positions(context, document, limit))
    return ExitCode.DONE


def holders(
    asset: str,
    *,
    within: Within = DEFAULT_RECIPIENTS_WITHIN,
    as_of: AsOf = None,
    known_at: AsOf = None,
    context: Given,
) -> int:
    """Who holds ASSET, in which version, the unknowns with them: a withdrawal drill, and nothing is sent."""
    targets = ("freshness.positions", "freshness.held_copies", "freshness.obtained", "core.access_events")
    past = Past(
        as_of=as_of, known_at=known_at, targets=(*targets, "core.partners", "core.assets"), only=about(asset=asset)
    )
    with context.out.progress("asking"), open_reader(context.home, past) as reader:
        refuse_unknown(reader, asset=asset)
        parameters = {"asset_id": asset}
        held = reader.rows(_HOLDERS.format(**_tables(reader)), parameters)
        since = reader.question.as_of - parse_span(within)
        span = {**parameters, "since": since, "as_of": reader.question.as_of}
        recipients = reader.rows(_RECIPIENTS.format(**_tables(reader)), span)
        nobody = reader.rows(_OF_NOBODY.format(**_tables(reader)), {**parameters, "as_of": reader.question.as_of})
        title = reader.rows(
            f"select title, classification from {reader.table('core.assets')} where asset_id = $asset_id",  # noqa: S608 - a name of ours
            parameters,
        )[0]
        document = {
            **origin_of(reader),
            "asset_id": asset,
            **title,
            "partners": len({row["partner_id"] for row in held}),
            "rows": held,
            "recipients_since": since,
            "recipients": recipients,
            "unmatched_downloads": nobody,
        }
    context.out.result(document, lambda: _show_holders(context, document))
    return ExitCode.DONE


def status(*, as_of: AsOf = None, known_at: AsOf = None, context: Given) -> int:
    """How far each stream is known, what is open, what is in the outbox, and what waits for a person."""
    past = Past(as_of=as_of, known_at=known_at, targets=STATUS_NEEDS)
    with context.out.progress("asking"), open_reader(context.home, past) as reader:
        found = read_status(reader)
        document = {**origin_of(reader), **found.document}
    context.out.result(document, lambda: show_status(context.out, document))
    return ExitCode.NEEDS_A_PERSON if found.needs_a_person else ExitCode.DONE


def origin_of(reader: Reader) -> dict[str, Any]:
    """Say what an answer is about, and where it comes from."""
    return {
        "as_of": reader.question.as_of,
        "known_at": reader.question.known_at,
        "turn": reader.turn_id,
        "read_from": reader.origin.value,
        "is_past": reader.is_past,
    }


def origin_line(document: Mapping[str, Any]) -> str:
    """Say it to people."""
    source = "as published last, for the warehouse is busy" if document["read_from"] == Origin.PUBLISHED else "now"
    asked = "asked about the past" if document["is_past"] else f"read {source}"
    return f"As of {stamp(document['as_of'])}, known at {stamp(document['known_at'])} ({document['turn']}, {asked})."


def refuse_unknown(reader: Reader, *, partner: str | None = None, asset: str | None = None) -> None:
    """Refuse to answer about what was not known, which is no empty answer.

    Raises:
        RefusedError: no such partner or asset was known.

    """
    for noun, value in (("partner", partner), ("asset", asset)):
        table = reader.table(f"core.{noun}s")
        query = f"select 1 from {table} where {noun}_id = $value"  # noqa: S608 - names of ours
        if value is not None and not reader.rows(query, {"value": value}):
            message = f"No {noun} {value!r} was known at {stamp(reader.question.known_at)}."
            raise RefusedError(message)


def say_what_is_left(out: Output, document: Mapping[str, Any]) -> None:
    """Say how many rows are not shown, and how to see them."""
    left = document["total"] - len(document["rows"])
    if left:
        out.line(f"{left} more: --limit {document['total']}, a filter, or --json.")


def stamp(instant: datetime) -> str:
    """Return an instant to the second."""
    return format_instant(instant)[:19] + "Z"


_HOLDERS: Final = """
    select copies.partner_id, partners.name as partner_name, partners.region, partners.status, partners.gone_from,
        copies.version_no, copies.copy, copies.copies, copies.first_obtained_at, copies.last_obtained_at,
        positions.position, positions.target_version_no, positions.is_outdated, positions.is_exposed,
        positions.evidence_rung, positions.data_late
    from {held_copies} as copies
    left join {positions} as positions
        on positions.partner_id = copies.partner_id and positions.asset_id = copies.asset_id
    left join {partners} as partners on partners.partner_id = copies.partner_id
    where copies.asset_id = $asset_id
    order by copies.version_no nulls first, copies.partner_id
"""
_RECIPIENTS: Final = """
    select obtained.partner_id, partners.name as partner_name, max(obtained.obtained_at) as last_obtained_at,
        list_sort(list(distinct obtained.version_no) filter (where obtained.version_no is not null)) as versions,
        count(*) as times_obtained
    from {obtained} as obtained
    left join {partners} as partners on partners.partner_id = obtained.partner_id
    where obtained.asset_id = $asset_id and obtained.obtained_at > $since and obtained.obtained_at <= $as_of
    group by obtained.partner_id, partners.name
    order by obtained.partner_id
"""
_OF_NOBODY: Final = """
    select event_id, version_no, vector, occurred_at, source_partner_id, source_user_id
    from {access_events}
    where asset_id = $asset_id and partner_id is null and event_type = 'downloaded' and superseded_by is null
        and occurred_at <= $as_of
    order by occurred_at, event_id
"""


def _tables(reader: Reader) -> dict[str, str]:
    names = (
        "freshness.positions",
        "freshness.held_copies",
        "freshness.obtained",
        "core.access_events",
        "core.partners",
    )
    return {name.partition(".")[2]: reader.table(name) for name in names}


def _counted(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["position"]] = counts.get(row["position"], 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _show_positions(context: Context, document: Mapping[str, Any], limit: int | None) -> None:
    out = context.out
    out.line(origin_line(document), style="dim")
    out.table("Positions", ("position", "pairs"), document["positions"].items())
    rows = document["rows"][: ROWS_SHOWN if limit is None else limit]
    columns = ("partner", "name", "asset", "title", "position", "should hold", "holds", "since", "data late")
    out.table(
        "Partner by asset",
        columns,
        (
            (
                row["partner_id"],
                row["partner_name"],
                row["asset_id"],
                row["asset_title"],
                row["position"],
                row["target_version_no"],
                row["held_versions"],
                row["last_obtained_at"],
                row["data_late"],
            )
            for row in rows
        ),
    )
    if len(rows) < document["total"]:
        out.line(f"{document['total'] - len(rows)} more: --limit {document['total']}, a filter, or --json.")


def _show_holders(context: Context, document: Mapping[str, Any]) -> None:
    out = context.out
    out.line(origin_line(document), style="dim")
    title = f"{document['partners']} partners hold {document['asset_id']}, {shown(document['title'])}"
    out.table(
        title,
        ("partner", "name", "region", "version", "obtained", "position", "should hold", "exposed", "data late"),
        (
            (
                row["partner_id"],
                row["partner_name"],
                row["region"],
                row["copy"],
                row["last_obtained_at"],
                row["position"],
                row["target_version_no"],
                row["is_exposed"],
                row["data_late"],
            )
            for row in document["rows"]
        ),
    )
    unknown = sum(1 for row in document["rows"] if row["version_no"] is None)
    out.line(f"{unknown} of these copies are of a version that nobody knows.")
    out.line(
        f"{len(document['unmatched_downloads'])} downloads cannot be matched to a partner: they may be holders too."
    )
    if document["classification"] == "safety":
        out.line(
            f"Safety: {len(document['recipients'])} partners obtained it since {stamp(document['recipients_since'])}."
        )
    out.line("Nothing was sent.", style="dim")
