"""The state of things: streams, checks, findings, outbox, and what waits for a person.

Belongs here: gathering them from the tables, and showing them. Does not belong here: judging
(``sql/``), except what ends a command with exit code 1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cli.output import Output, shown
from pipeline.actions.outbox import OPEN_STATES
from pipeline.sqlmodels.runner import parameters_of
from resources.reading import Origin, Reader

_STREAMS: Final = """
    select stream, system, connection, watermark, last_pulled_at, is_failing, last_error,
        watermark is null or watermark + to_seconds(tolerance_seconds) < $as_of as is_late
    from {streams} order by system desc, stream
"""
_OUTBOX: Final = "select state, count(*) as actions from {actions} group by state order by state"
_HELD: Final = """
    select batch, count(*) as actions, count(distinct partner_id) as partners, min(decided_at) as decided_at
    from {actions} where state = 'held_for_approval' group by batch order by batch
"""
_DEAD: Final = """
    select action_key, target_system, operation, partner_id, asset_id, version_no, attempts, last_error
    from {actions} where state = 'dead' order by changed_at, action_key
"""
_FINDINGS: Final = """
    select rule, severity, count(*) as findings, min(first_seen_at) as first_seen_at
    from {findings} where status = 'open' group by rule, severity order by severity, rule
"""
_DRIFT: Final = """
    select finding_id, rule, stream, field, value, since_at, detail
    from {drift} where not is_reviewed order by stream, rule, field, value
"""
_LATENESS: Final = """
    select stream, measured_records, lag_p50_seconds, lag_p95_seconds, lag_p99_seconds, late_records,
        most_late_seconds, proposed_lookback_seconds
    from {lateness} order by stream
"""
_COMPLETENESS: Final = """
    select scope, scope_id, pages, fetched, new, new_editions, duplicates, quarantined, stamp
    from {completeness} where scope in ('run', 'day')
    qualify row_number() over (partition by scope order by day desc, turn_no desc) = 1 order by scope desc
"""
_PARTIAL: Final = "select scope, count(*) as scopes from {completeness} where not is_balanced group by scope"
_PASSES: Final = """
    select stream, arg_max(known_at, seq) as last_at, arg_max(method, seq) as method,
        arg_max(source_records, seq) as source_records
    from {reconciliations} group by stream order by stream
"""
_DIFFERENCES: Final = """
    select stream, kind, state, count(*) as records from {differences} group by all order by stream, kind, state
"""

_CLAIMS: Final = {
    "position": "is what partners hold, so no notice goes out",
    "obligation": "is what partners answered, so no reminder and no escalation goes out",
}

# What the state of things is read from, but for the checks: these run where their tables are at hand.
STATUS_NEEDS: Final = (
    "ops.streams",
    "ops.data_late",
    "ops.quarantine",
    "ops.drift",
    "ops.lateness",
    "ops.reconciliations",
    "ops.differences",
    "marts.completeness",
    "sync.actions",
    "audit.findings",
)


@dataclass(frozen=True, slots=True)
class Status:
    """What was gathered, and whether something waits for a person."""

    document: dict[str, Any]
    needs_a_person: bool


def read_status(reader: Reader) -> Status:
    """Gather everything from one consistent set of tables."""
    streams = reader.rows(_STREAMS.format(streams=reader.table("ops.streams")), {"as_of": reader.question.as_of})
    outbox = _rows(reader, "sync.actions", _OUTBOX)
    held = _rows(reader, "sync.actions", _HELD)
    dead = _rows(reader, "sync.actions", _DEAD)
    findings = _rows(reader, "audit.findings", _FINDINGS)
    quarantined = _count(reader, "ops.quarantine")
    checks = read_checks(reader)
    red = [check for check in checks if check["bad_rows"] and check["severity"] == "error"]
    late = reader.rows(f"select claim, is_late, late_streams from {reader.table('ops.data_late')} order by claim")  # noqa: S608 - a name of ours
    counts = {row["state"]: row["actions"] for row in outbox}
    document = {
        "streams": streams,
        "claims": late,
        "quarantined": quarantined,
        "completeness": _rows(reader, "marts.completeness", _COMPLETENESS),
        "partial": {row["scope"]: row["scopes"] for row in _rows(reader, "marts.completeness", _PARTIAL)},
        "drift": _rows(reader, "ops.drift", _DRIFT),
        "lateness": _rows(reader, "ops.lateness", _LATENESS),
        "reconciled": _rows(reader, "ops.reconciliations", _PASSES),
        "differences": _rows(reader, "ops.differences", _DIFFERENCES),
        "checks": checks,
        "findings": findings,
        "outbox": counts,
        "waiting_for_a_person": {"batches": held, "dead_actions": dead, "red_checks": [row["check"] for row in red]},
    }
    return Status(document, needs_a_person=bool(held or dead or red))


def read_checks(reader: Reader) -> list[dict[str, Any]]:
    """Run every check on the tables at hand; one whose tables are not at hand has no number."""
    found = []
    for name, check in sorted(reader.graph.checks.items()):
        is_at_hand = all(reader.has(table) for table in check.inputs)
        bad_rows = None
        if is_at_hand:
            query = f"select count(*) as bad_rows from ({check.text}\n)"  # noqa: S608 - the check's own text
            bad_rows = reader.rows(query, parameters_of(check, reader.question))[0]["bad_rows"]
        found.append({"check": name, "severity": check.severity, "bad_rows": bad_rows, "says": check.description})
    return found


def open_actions(outbox: Mapping[str, int]) -> int:
    """Count what has yet to leave."""
    return sum(outbox.get(state.value, 0) for state in OPEN_STATES)


def show_status(out: Output, document: Mapping[str, Any]) -> None:
    """Show it to people, what needs one last."""
    source = "what was published last" if document["read_from"] == Origin.PUBLISHED else "the warehouse"
    asked = "asked about the past" if document["is_past"] else f"read from {source}"
    out.line(f"Turn {document['turn']} as of {shown(document['as_of'])} UTC, {asked}.", style="bold")
    out.table(
        "Streams",
        ("system", "stream", "known whole up to", "late", "failing", "last error"),
        (
            (row["system"], row["stream"], row["watermark"], row["is_late"], row["is_failing"], row["last_error"])
            for row in document["streams"]
        ),
    )
    for line in late_claims(document["claims"], {row["stream"] for row in document["streams"]}):
        out.line(line, style="yellow")
    _show_feeds(out, document)
    if document["findings"]:
        rows = [(row["severity"], row["rule"], row["findings"], row["first_seen_at"]) for row in document["findings"]]
        out.table("Open findings", ("severity", "rule", "findings", "since"), rows)
    out.table("Outbox", ("state", "actions"), document["outbox"].items())
    if document["quarantined"]:
        out.line(f"{document['quarantined']} records were rejected on arrival and are kept in ops.quarantine.")
    show_waiting(out, document["waiting_for_a_person"])


def late_claims(claims: Sequence[Mapping[str, Any]], served: Collection[str]) -> list[str]:
    """Return what cannot be claimed now because of feeds that are late, or that no connection serves, in sentences."""
    return [
        f"Not known for certain {_CLAIMS[row['claim']]}; late: {', '.join(_late(row['late_streams'], served))}."
        for row in claims
        if row["is_late"]
    ]


def _late(streams: Sequence[str], served: Collection[str]) -> list[str]:
    return [
        stream
        if stream in served
        else f"{stream} (no connection serves it: docs/connections.md, Streams that a tenant lacks)"
        for stream in streams
    ]


def _show_feeds(out: Output, document: Mapping[str, Any]) -> None:
    """Show whether all that arrived is accounted for, what looks otherwise than before, and how late things come."""
    columns = ("of the last", "", "pages", "fetched", "new", "new editions", "duplicates", "quarantined", "is")
    if document["completeness"]:
        out.table("Accounted for", columns, (tuple(row.values()) for row in document["completeness"]))
    for scope, count in document["partial"].items():
        out.line(f"Not every record is accounted for in {count} of scope {scope}: see marts.completeness.", "bold red")
    if document["drift"]:
        rows = [(row["stream"], row["rule"], row["detail"], row["since_at"]) for row in document["drift"]]
        out.table("Records that look otherwise than before", ("stream", "what", "in words", "since"), rows)
        out.line("vipgrid decide review RULE:field:STREAM.FIELD --reason '…' settles one.", style="dim")
    if document["reconciled"]:
        rows = [tuple(row.values()) for row in document["reconciled"]]
        out.table("Read a second time at the source", ("stream", "last", "by", "records there"), rows)
    if document["differences"]:
        rows = [tuple(row.values()) for row in document["differences"]]
        out.table("Differences from the source", ("stream", "kind", "state", "records"), rows)
    late = [row for row in document["lateness"] if row["late_records"]]
    if late:
        out.table(
            "Records that came later than the pull that should have brought them",
            ("stream", "half within", "95 % within", "99 % within", "late", "at most", "proposed lookback"),
            (
                (
                    row["stream"],
                    *(_span(row[f"lag_p{rank}_seconds"]) for rank in (50, 95, 99)),
                    row["late_records"],
                    _span(row["most_late_seconds"]),
                    _span(row["proposed_lookback_seconds"]),
                )
                for row in late
            ),
        )


def _span(seconds: float | None) -> str | None:
    """Write a span as configuration does, rounded to a unit of which there are some."""
    if seconds is None:
        return None
    for letter, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{round(seconds / size)}{letter}"
    return f"{round(seconds)}s"


def show_waiting(out: Output, waiting: Mapping[str, Any]) -> None:
    """Say what waits for a person, and which command settles it."""
    for batch in waiting["batches"]:
        out.line(
            f"Batch {batch['batch']}: {batch['actions']} notices to {batch['partners']} partners wait for you:"
            f" vipgrid decide approve {batch['batch']} --reason '…' (or reject).",
            style="bold yellow",
        )
    for action in waiting["dead_actions"]:
        out.line(
            f"Action {action['action_key']} to {action['target_system']} was given up after {action['attempts']}"
            f" attempts ({shown(action['last_error'])}): vipgrid decide retry {action['action_key']} --reason '…'"
            " (or drop).",
            style="bold red",
        )
    for check in waiting["red_checks"]:
        out.line(f"The check {check} is red.", style="bold red")
    if not any(waiting.values()):
        out.line("Nothing waits for a person.", style="green")


def _rows(reader: Reader, table: str, query: str) -> list[dict[str, Any]]:
    if not reader.has(table):
        return []
    return reader.rows(query.format(**{table.partition(".")[2]: reader.table(table)}))


def _count(reader: Reader, table: str) -> int | None:
    if not reader.has(table):
        return None
    return int(reader.rows(f"select count(*) as n from {table}")[0]["n"])  # noqa: S608 - a name of ours
