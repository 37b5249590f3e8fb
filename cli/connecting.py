"""Connecting: a tenant's API tried out before anything of it is kept.

Belongs here: the commands ``connect check``, ``connect sample``, ``connect map``, and how a trial is told. Does not
belong here: the trial (``resources.connecting``), what a proposal is made of (``pipeline.ingest.proposing``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import yaml
from cyclopts import App, Parameter

from cli.context import Context
from cli.reconciling import reconcile
from cli.remapping import remap
from cli.words import Given
from pipeline.errors import ConfigurationError, ExitCode, RefusedError, SourceError
from pipeline.ingest.pages import Unreadable
from pipeline.ingest.paths import EACH, spelled
from pipeline.ingest.proposing import Leaf, Proposal
from pipeline.settings import RestConnection, Settings
from pipeline.streams import STREAMS
from resources.clock import system_now
from resources.connecting import Trial, Trier, trying

RECORDS: Final = 10
LONGEST_VALUE: Final = 60
EXAMPLES: Final = 3
_Records = Annotated[int, Parameter(help="How many records are asked for.")]
_BOOKKEEPING: Final = frozenset(
    {"turn_no", "page_no", "row_no", "known_at", "source_system", "record_sha256", "raw_base64", "rejected_because"}
)


def add_to(app: App) -> None:
    """Add the commands."""
    own = App(
        name="connect", help="Try a connection and its profile against the tenant's API, or read it a second time."
    )
    own.command(reconcile)
    own.command(remap)
    for command in (check, sample, map_fields):
        own.command(command, name="map" if command is map_fields else command.__name__)
    app.command(own)


def check(
    connection: str | None = None,
    stream: str | None = None,
    *,
    records: _Records = RECORDS,
    context: Given,
) -> int:
    """Log in, read a few records of each stream, and say what is missing, wrong, unknown or personal in them."""
    settings = context.settings()
    found = [_check_connection(context, settings, name, stream, records) for name in _named(settings, connection)]
    context.out.result({"connections": found}, lambda: _tell_check(context, found))
    return ExitCode.DONE if all(one["is_good"] for one in found) else ExitCode.NEEDS_A_PERSON


def sample(connection: str, stream: str, *, records: _Records = RECORDS, context: Given) -> int:
    """Show a few records of a STREAM as they come, each beside what it becomes."""
    trial = _tried(context, connection, stream, records)
    pairs = [
        {"record": _as_text(record), "becomes": _fields(row), "rejected_because": row["rejected_because"]}
        for record, row in zip(trial.records, trial.rows, strict=True)
    ]
    document = {"connection": connection, "stream": stream, "records": pairs}
    context.out.result(document, lambda: _tell_sample(context, document))
    return ExitCode.DONE


def map_fields(connection: str, stream: str, *, records: _Records = 100, context: Given) -> int:
    """Propose how the fields of a STREAM that have nothing yet may be mapped, to be copied into the profile."""
    trial = _tried(context, connection, stream, records)
    document = {
        "connection": connection,
        "stream": stream,
        "records": len(trial.records),
        "proposals": [_proposal(one) for one in trial.proposals],
        "without_proposal": [
            name for name in trial.empty_fields if name not in {p.field.name for p in trial.proposals}
        ],
        "outside": [leaf.spelled for leaf in trial.outside],
        "unused": [_leaf(leaf) for leaf in trial.unused if leaf not in [one.leaf for one in trial.proposals]],
    }
    context.out.result(document, lambda: _tell_map(context, trial, document))
    return ExitCode.DONE


def _named(settings: Settings, connection: str | None) -> list[str]:
    if connection is not None:
        return [connection]
    names = [name for name, own in settings.connections.items() if isinstance(own, RestConnection)]
    if not names:
        message = "No connection is over HTTP, so there is nothing to try: folders of files need no profile."
        raise RefusedError(message)
    return names


def _check_connection(
    context: Context, settings: Settings, name: str, stream: str | None, records: int
) -> dict[str, Any]:
    with context.out.progress(f"trying {name}"), trying(settings, name, context.home, system_now()) as trier:
        streams = _streams(settings, name, stream)
        try:
            trier.log_in()
        except SourceError as error:
            return {"connection": name, "login": str(error), "streams": [], "is_good": False}
        found = [_verdict(trier.try_stream(one, records, pages=2)) for one in streams]
    return {
        "connection": name,
        "login": None,
        "answered": "",
        "streams": found,
        "is_good": all(one["is_good"] for one in found),
    }


def _streams(settings: Settings, name: str, stream: str | None) -> Sequence[str]:
    served = settings.streams_of(name)
    if stream is None:
        return served
    if stream not in served:
        message = f"Connection {name} does not serve {stream}; it serves {', '.join(served)}."
        raise ConfigurationError(message)
    return (stream,)


def _tried(context: Context, connection: str, stream: str, records: int) -> Trial:
    settings = context.settings()
    with (
        context.out.progress(f"trying {connection}"),
        trying(settings, connection, context.home, system_now()) as trier,
    ):
        trial = _of(trier, settings, connection, stream, records)
    if trial.error is not None:
        said = f" It said {trial.answered}" if trial.answered else ""
        raise SourceError(trial.error + said, is_transient=False)
    return trial


def _of(trier: Trier, settings: Settings, connection: str, stream: str, records: int) -> Trial:
    (one,) = _streams(settings, connection, stream)
    return trier.try_stream(one, records)


def _verdict(trial: Trial) -> dict[str, Any]:
    return {
        "stream": trial.stream,
        "is_good": trial.error is None and not trial.missing and not trial.rejections,
        "error": trial.error,
        "answered": trial.answered,
        "records": len(trial.records),
        "pages": trial.pages,
        "missing": trial.missing,
        "wrong": trial.rejections,
        "unknown": [leaf.spelled for leaf in trial.unused],
        "personal": [leaf.spelled for leaf in trial.personal],
        "personal_around": [leaf.spelled for leaf in trial.personal_around],
        "outside": [leaf.spelled for leaf in trial.outside],
        "inside": _lists_inside(trial),
        "empty": [name for name in trial.empty_fields if name not in trial.missing] if trial.rows else [],
        "can_be_mapped": [_proposal(one) for one in trial.proposals],
    }


def _lists_inside(trial: Trial) -> list[str]:
    """Return where records have lists of objects that nothing reads."""
    lists = (leaf.path[: leaf.path.index(EACH)] for leaf in trial.unused if EACH in leaf.path)
    return list(dict.fromkeys(map(spelled, lists)))


def _tell_check(context: Context, found: Sequence[dict[str, Any]]) -> None:
    out = context.out
    for one in found:
        if one["login"] is not None:
            out.line(f"{one['connection']}: {one['login']}", "bold")
            continue
        out.table(
            f"{one['connection']}: the login works",
            ("stream", "is", "records", "pages"),
            [(s["stream"], _word(s), s["records"], s["pages"]) for s in one["streams"]],
        )
        for stream in one["streams"]:
            for line in _findings(one["connection"], stream):
                out.line(f"{stream['stream']}: {line}")


def _word(stream: dict[str, Any]) -> str:
    if stream["error"] is not None:
        return "not to be had"
    if not stream["records"]:
        return "empty"
    return "good" if stream["is_good"] else "wrong"


def _findings(connection: str, stream: dict[str, Any]) -> list[str]:
    lines = [stream["error"]] if stream["error"] else []
    lines += [f"it said {stream['answered']}"] if stream["answered"] else []
    if stream["missing"]:
        lines.append(f"missing in every record, and required: {', '.join(stream['missing'])}.")
    lines += [f"wrong in {count} of {stream['records']}: {reason}." for reason, count in stream["wrong"].items()]
    if stream["personal"]:
        lines.append(
            f"seems personal, and 'personal' does not say what is done with it: {', '.join(stream['personal'])}."
        )
    if stream["personal_around"]:
        named = ", ".join(stream["personal_around"])
        lines.append(
            f"seems personal beside the records, and 'page_personal' does not say what is done with it: {named}."
        )
    if stream["outside"]:
        lines.append(f"in what holds the records, and not inherited: {', '.join(stream['outside'])}.")
    if stream["missing"] and stream["inside"]:
        lines.append(f"lists of objects in the records: {', '.join(stream['inside'])}; 'nested' makes records of them.")
    if stream["unknown"]:
        lines.append(f"unknown, read by nobody: {', '.join(stream['unknown'])}.")
    if stream["can_be_mapped"]:
        names = ", ".join(one["field"] for one in stream["can_be_mapped"])
        lines.append(f"`vipgrid connect map {connection} {stream['stream']}` has proposals for {names}.")
    return lines


def _tell_sample(context: Context, document: dict[str, Any]) -> None:
    out = context.out
    if not document["records"]:
        out.line(f"{document['stream']} has no records now.")
    for number, pair in enumerate(document["records"], 1):
        out.line(f"{number}. {pair['record']}", "dim")
        becomes = {name: value for name, value in pair["becomes"].items() if value is not None}
        out.table("", ("field", "becomes"), list(becomes.items()))
        if pair["rejected_because"] is not None:
            out.line(f"It would be quarantined: {pair['rejected_because']}.", "bold")


def _tell_map(context: Context, trial: Trial, document: dict[str, Any]) -> None:
    out = context.out
    if not trial.rows:
        out.line(f"{trial.stream} has no records now, so nothing can be proposed.")
        return
    if trial.proposals:
        out.line("streams:")
        out.line(f"  {trial.stream}:")
        out.line("    mapping:")
        for one in trial.proposals:
            rule = yaml.safe_dump(one.rule, default_flow_style=True, width=1000).removesuffix("...\n").strip()
            examples = ", ".join(_as_example(value) for value in one.leaf.values[:EXAMPLES])
            out.line(f"      {one.field.name}: {rule}  # {one.score:.0%}: {examples}")
    else:
        out.line("There is nothing to propose.")
    if document["without_proposal"]:
        out.line(f"Nothing was found for: {', '.join(document['without_proposal'])}.")
    if document["outside"]:
        out.line(f"What holds the records has besides: {', '.join(document['outside'])} ('inherit' brings it in).")
    if document["unused"]:
        rows = [(leaf["path"], ", ".join(leaf["examples"])) for leaf in document["unused"]]
        out.table("Still unknown", ("path", "for instance"), rows)


def _proposal(proposal: Proposal) -> dict[str, Any]:
    required = proposal.field.is_required
    return {"field": proposal.field.name, "rule": proposal.rule, "score": proposal.score, "is_required": required}


def _leaf(leaf: Leaf) -> dict[str, Any]:
    return {"path": leaf.spelled, "examples": [_as_example(value) for value in leaf.values[:EXAMPLES]]}


def _as_example(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def _as_text(record: bytes | Unreadable) -> str:
    raw = record.raw if isinstance(record, Unreadable) else record
    return raw.decode("utf-8", "backslashreplace")


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    known = {name for stream in STREAMS.values() for name in stream.field_names}
    return {name: value for name, value in row.items() if name in known and name not in _BOOKKEEPING}
