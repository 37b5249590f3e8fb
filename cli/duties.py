"""Reading: what partners owe an answer to, and how what they did is judged.

Belongs here: the two questions, as SQL over tables that others may rely on. Does not belong here: the rules
(``sql/freshness/obligations.sql``, ``sql/audit/verdicts.sql``), how the tables are opened (``resources.reading``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from cyclopts import App, Parameter

from cli.context import Context
from cli.reading import ROWS_SHOWN, Limit, origin_line, origin_of, refuse_unknown, say_what_is_left
from cli.words import AsOf, Given
from pipeline.errors import ExitCode
from resources.reading import Past, Reader, about, open_reader

State: TypeAlias = Literal[
    "acknowledged",
    "acknowledged_late",
    "void",
    "closed_by_later",
    "exempt",
    "exception_requested",
    "declined",
    "overdue",
    "pending",
    "unsent",
]
_NAMES: Final = ("core.partners", "core.assets")


def add_to(app: App) -> None:
    """Add the commands."""
    for command in (obligations, verdicts):
        app.command(command)


def obligations(  # noqa: PLR0913 - the filters of a question
    partner: str | None = None,
    *,
    asset: str | None = None,
    state: State | None = None,
    as_of: AsOf = None,
    known_at: AsOf = None,
    limit: Limit = None,
    context: Given,
) -> int:
    """What each partner owes an answer to, and what it answered; of one PARTNER, asset or state, also of the past."""
    past = Past(
        as_of=as_of,
        known_at=known_at,
        targets=("freshness.obligations", *_NAMES),
        only=about(partner=partner, asset=asset),
    )
    with context.out.progress("asking"), open_reader(context.home, past) as reader:
        refuse_unknown(reader, partner=partner, asset=asset)
        asked = {"partner_id": partner, "asset_id": asset, "state": state}
        answer = _answer(reader, _OBLIGATIONS, past.targets, asked)
        document = {
            **origin_of(reader),
            **answer.document(context, limit, counted={"states": "state"}, order=_OBLIGATIONS_ORDER),
        }
    context.out.result(document, lambda: _show_obligations(context, document))
    return ExitCode.DONE


def verdicts(  # noqa: PLR0913 - the filters of a question
    partner: str | None = None,
    *,
    asset: str | None = None,
    violations: Annotated[bool, Parameter(help="Only what is against the rules, or was when first known.")] = False,
    as_of: AsOf = None,
    known_at: AsOf = None,
    limit: Limit = None,
    context: Given,
) -> int:
    """How each access and delivery is judged, as first known and now; of one PARTNER or asset, also of the past."""
    past = Past(
        as_of=as_of,
        known_at=known_at,
        targets=("audit.verdicts", "audit.first_verdicts", *_NAMES),
        only=about(partner=partner, asset=asset),
    )
    with context.out.progress("asking"), open_reader(context.home, past) as reader:
        refuse_unknown(reader, partner=partner, asset=asset)
        query = _VERDICTS_AGAINST_THE_RULES if violations else _VERDICTS
        answer = _answer(reader, query, past.targets, {"partner_id": partner, "asset_id": asset})
        counted = {"entitlements": "entitlement_now", "timings": "timing_now"}
        document = {**origin_of(reader), **answer.document(context, limit, counted=counted, order=_VERDICTS_ORDER)}
    context.out.result(document, lambda: _show_verdicts(context, document))
    return ExitCode.DONE


_OBLIGATIONS: Final = """
    select told.*, partners.name as partner_name, assets.title as asset_title
    from {obligations} as told
    left join {partners} as partners on partners.partner_id = told.partner_id
    left join {assets} as assets on assets.asset_id = told.asset_id
    where {asked}
"""
_OBLIGATIONS_ORDER: Final = "partner_id, asset_id, version_no, kind"
_VERDICTS: Final = """
    select told.*, first_told.entitlement_then, first_told.timing_then,
        partners.name as partner_name, assets.title as asset_title
    from {verdicts} as told
    left join {first_verdicts} as first_told
        on first_told.subject_type = told.subject_type and first_told.subject_id = told.subject_id
    left join {partners} as partners on partners.partner_id = told.partner_id
    left join {assets} as assets on assets.asset_id = told.asset_id
    where {asked} and told.occurred_at <= $as_of
"""
_VERDICTS_AGAINST_THE_RULES: Final = f"""
    {_VERDICTS}
        and (
            told.entitlement_now <> 'ok' or told.timing_now not in ('live', 'version_unknown')
            or first_told.entitlement_then <> 'ok' or first_told.timing_then not in ('live', 'version_unknown')
        )
"""
_VERDICTS_ORDER: Final = "occurred_at, subject_type, subject_id"


@dataclass(frozen=True, slots=True)
class _Answer:
    """A SELECT over one reader's tables, with its parameters."""

    reader: Reader
    select: str
    parameters: Mapping[str, object]

    def document(
        self, context: Context, limit: int | None, *, counted: Mapping[str, str], order: str
    ) -> dict[str, Any]:
        """Return what it counts by some columns, how many rows it has, and as many of them as are to be read."""
        most = ROWS_SHOWN if limit is None and not context.out.is_json else limit
        last = "" if most is None else f" limit {most:d}"
        counts = {name: self._count(column) for name, column in counted.items()}
        rows = self.reader.rows(f"{self.select} order by {order}{last}", self.parameters)
        return {"total": sum(next(iter(counts.values())).values()), **counts, "rows": rows}

    def _count(self, column: str) -> dict[str, int]:
        query = f"select {column} as word, count(*) as counted from ({self.select}) group by {column}"  # noqa: S608 - texts of ours
        rows = self.reader.rows(f"{query} order by counted desc, word", self.parameters)
        return {row["word"]: row["counted"] for row in rows}


def _answer(reader: Reader, query: str, names: Sequence[str], asked: Mapping[str, str | None]) -> _Answer:
    """Put a query together for what was asked; what is None was not."""
    said = {name: value for name, value in asked.items() if value is not None}
    conditions = " and ".join(f"told.{name} = ${name}" for name in said) or "true"
    tables = {name.partition(".")[2]: reader.table(name) for name in names}
    select = query.format(asked=conditions, **tables)
    return _Answer(reader, select, {**said, **({"as_of": reader.question.as_of} if "$as_of" in select else {})})


def _show_obligations(context: Context, document: Mapping[str, Any]) -> None:
    out = context.out
    out.line(origin_line(document), style="dim")
    out.table("Obligations", ("state", "obligations"), document["states"].items())
    columns = ("partner", "name", "asset", "title", "version", "kind", "state", "sent", "due", "answered", "data late")
    out.table(
        "By partner",
        columns,
        (
            (
                row["partner_id"],
                row["partner_name"],
                row["asset_id"],
                row["asset_title"],
                row["version_no"],
                row["kind"],
                f"{row['state']} (without the file)" if row["acked_without_bytes"] else row["state"],
                row["sent_at"],
                row["due_at"],
                row["responded_at"],
                row["data_late"],
            )
            for row in document["rows"]
        ),
    )
    say_what_is_left(out, document)


def _show_verdicts(context: Context, document: Mapping[str, Any]) -> None:
    out = context.out
    out.line(origin_line(document), style="dim")
    out.table("Entitlement", ("verdict", "accesses"), document["entitlements"].items())
    out.table("Timing", ("verdict", "accesses"), document["timings"].items())
    columns = ("when", "partner", "name", "asset", "title", "version", "what", "how", "entitlement", "timing")
    out.table(
        "By access",
        columns,
        (
            (
                row["occurred_at"],
                row["partner_id"],
                row["partner_name"],
                row["asset_id"],
                row["asset_title"],
                row["version_no"],
                row["event_kind"],
                row["channel_or_vector"],
                _now_and_then(row["entitlement_now"], row["entitlement_then"]),
                _now_and_then(row["timing_now"], row["timing_then"]),
            )
            for row in document["rows"]
        ),
    )
    say_what_is_left(out, document)


def _now_and_then(now: str, then: str | None) -> str:
    return now if then is None or then == now else f"{now} (first: {then})"
