"""Notices: how one would read, what was decided about them, and why one was sent or not.

Belongs here: the commands ``notices list``, ``notices preview``, ``notices explain``. Does not belong here: wording and
stories (``pipeline.notices``), what is decided (``pipeline.actions``).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from cyclopts import App, Parameter

from cli.context import Context
from cli.prose import Prose
from cli.reading import Limit, origin_line, origin_of, refuse_unknown, stamp
from cli.words import Given
from pipeline.errors import ExitCode, RefusedError
from pipeline.instants import parse_instant
from pipeline.ledger.journal import Journal
from pipeline.notices.names import KINDS
from pipeline.notices.preview import QUERY, TABLES, Preview, preview_known, preview_sample
from pipeline.notices.reasons import REASONS, RULES, spoken
from pipeline.notices.story import Story, read_story
from pipeline.notices.templates import DEFAULT_LANGUAGE, load_templates
from resources.reading import Reader, open_reader

ROWS_SHOWN: Final = 50
_WITHOUT_PARTNER: Final = frozenset({"digest", "escalation"})
Kind = Literal[
    "publish",
    "version_change",
    "withdrawal",
    "expiry",
    "access_rules",
    "request_update",
    "issue_update",
    "launch_package",
    "reminder",
    "escalation",
    "digest",
]
Decision = Literal["held_for_approval", "pending", "sent", "digested", "deferred", "suppressed", "failed", "dead"]


def add_to(app: App) -> None:
    """Add the commands."""
    own = App(name="notices", help="How a notice would read, what was decided about notices, and why.")
    own.command(list_decisions, name="list")
    own.command(preview)
    own.command(explain_notice, name="explain")
    app.command(own)


def list_decisions(  # noqa: PLR0913 - the filters of a question
    partner: str | None = None,
    *,
    asset: str | None = None,
    kind: Kind | None = None,
    decision: Decision | None = None,
    reason: str | None = None,
    limit: Limit = None,
    context: Given,
) -> int:
    """What was decided about each notice, sent or not, the latest first; of one PARTNER, asset, kind, decision."""
    where = {"partner_id": partner, "asset_id": asset, "kind": kind, "decision": decision, "reason": reason}
    given = {name: value for name, value in where.items() if value is not None}
    with context.out.progress("asking"), open_reader(context.home) as reader:
        refuse_unknown(reader, partner=partner, asset=asset)
        conditions = " and ".join(f"{name} = ${name}" for name in given)
        rows = reader.rows(
            f"select * from {reader.table('sync.notice_decisions')} as decisions where {conditions or 'true'}"  # noqa: S608 - names of ours
            " order by decided_at desc, candidate_key",
            given,
        )
        document = {**origin_of(reader), "total": len(rows), "rows": rows[:limit]}
    context.out.result(document, lambda: _show_list(context, document, limit))
    return ExitCode.DONE


def preview(
    kind: Kind,
    *,
    partner: Annotated[str | None, Parameter(help="Whose facts; without it, samples.")] = None,
    asset: str | None = None,
    version: int | None = None,
    language: Annotated[str | None, Parameter(help="Instead of the partner's, for instance de.")] = None,
    context: Given,
) -> int:
    """How a notice of KIND reads: with samples, or with what is known of a partner and a version; nothing is sent."""
    # Whoever has no configuration yet can look at what is shipped.
    templates = load_templates(context.settings().templates_folder if context.config.exists() else None)
    if partner is None or kind in _WITHOUT_PARTNER:
        found = preview_sample(templates, kind, language or DEFAULT_LANGUAGE)
    else:
        with context.out.progress("reading"), open_reader(context.home) as reader:
            refuse_unknown(reader, partner=partner, asset=asset)
            row = _known(reader, partner, asset, version)
            found = preview_known(templates, kind, row, language, reader.question.as_of)
    document = {
        "kind": found.kind,
        "language": found.language,
        "subject": found.subject,
        "body": found.body,
        "rests_on": found.rests_on,
        "kinds": list(KINDS),
    }
    context.out.result(document, lambda: _show_preview(context, found))
    return ExitCode.DONE


def explain_notice(notice: str, *, context: Given) -> int:
    """Why NOTICE (its key, its action's, or Trading Grid's id) was sent or not: rule, evidence, what came of it."""
    with context.out.progress("reading"), open_reader(context.home) as reader:
        listed = _listed(reader, notice)
        story = read_story(Journal(context.home.ledger), notice, listed["action_key"] if listed else None)
        if story is None:
            message = f"There is no notice {notice!r}: `vipgrid notices list` has their keys."
            raise RefusedError(message)
        document = {
            **origin_of(reader),
            "notice": story.candidate,
            "action_key": story.action_key,
            "subject": story.subject,
            "happened": [{"seq": one.seq, "at": one.known_at, "text": one.text} for one in story.happenings],
            "decision": _decision(reader, story),
            "obligation": _obligation(reader, story),
        }
    context.out.result(document, lambda: _show_story(document, story))
    return ExitCode.DONE


def _known(reader: Reader, partner: str, asset: str | None, version: int | None) -> dict[str, Any]:
    query = QUERY
    for table in TABLES:
        query = query.replace(f"{{{table}}}", reader.table(table))
    rows = reader.rows(query, {"partner_id": partner, "asset_id": asset, "version_no": version})
    if version is not None and rows[0]["version_no"] is None:
        message = f"There is no version {version} of {asset!r} to preview."
        raise RefusedError(message)
    return rows[0]


def _listed(reader: Reader, notice: str) -> dict[str, Any] | None:
    rows = reader.rows(
        f"select action_key from {reader.table('marts.notice_log')} as log"  # noqa: S608 - a name of ours
        " where remote_id = $notice or notice_key = $notice order by action_key nulls last limit 1",
        {"notice": notice},
    )
    return rows[0] if rows and rows[0]["action_key"] is not None else None


def _decision(reader: Reader, story: Story) -> dict[str, Any] | None:
    rows = reader.rows(
        f"select * from {reader.table('sync.notice_decisions')} as decisions where candidate_key = $key",  # noqa: S608 - a name of ours
        {"key": story.candidate["candidate_key"]},
    )
    return rows[0] if rows else None


def _obligation(reader: Reader, story: Story) -> dict[str, Any] | None:
    """Return what the partner owes by now, of the obligation that the notice made or is about."""
    candidate = story.candidate
    kind = candidate["step"].partition(":")[2] or candidate["kind"]
    if candidate["version_no"] is None:
        return None
    rows = reader.rows(
        "select kind, state, sent_at, due_at, responded_at, ack_id"  # noqa: S608 - a name of ours
        f" from {reader.table('freshness.obligations')} as obligations where partner_id = $partner_id"
        " and asset_id = $asset_id and version_no = $version_no and kind = $kind",
        {
            "partner_id": candidate["partner_id"],
            "asset_id": candidate["asset_id"],
            "version_no": int(candidate["version_no"]),
            "kind": kind,
        },
    )
    return rows[0] if rows else None


def _show_list(context: Context, document: dict[str, Any], limit: int | None) -> None:
    out = context.out
    out.line(origin_line(document), style="dim")
    shown = document["rows"][: limit or ROWS_SHOWN]
    columns = ("partner", "kind", "asset", "version", "decision", "why", "notice")
    rows = [
        (
            row["partner_id"],
            row["kind"],
            row["asset_id"] or "",
            "" if row["version_no"] is None else row["version_no"],
            row["decision"],
            spoken(row["reason"], REASONS) if row["reason"] else spoken(row["rule"], RULES),
            row["candidate_key"],
        )
        for row in shown
    ]
    out.table(f"Notices decided: {document['total']}", columns, rows)
    if len(shown) < document["total"]:
        out.line(f"{document['total'] - len(shown)} more: --limit, or --json.")


def _show_preview(context: Context, found: Preview) -> None:
    out = context.out
    source = "with samples" if found.rests_on == "samples" else "with what is known; what a pattern adds is a sample"
    out.line(f"A notice of kind {found.kind}, in {found.language}, {source}; nothing is sent.", style="dim")
    out.line(f"Subject: {found.subject}", style="bold")
    out.line("")
    for line in found.body.split("\n"):
        out.line(line)


def _short(instant: str) -> str:
    return stamp(parse_instant(instant))


def _show_story(document: dict[str, Any], story: Story) -> None:
    prose = Prose()
    candidate = story.candidate
    about = f"version {candidate['version_no']} of {candidate['asset_id']}" if candidate["asset_id"] else "no asset"
    prose.paragraph(f"{candidate['kind']} to {candidate['partner_id']}, about {about}", "bold")
    prose.paragraph(origin_line(document), "dim")
    if story.subject:
        prose.paragraph(f"Subject: {story.subject}")
    prose.heading("Why")
    decision = document["decision"] or candidate
    reasons = [(f"due because {spoken(candidate['rule'], RULES)}", f"rule {candidate['rule']}")]
    if decision["reason"]:
        reasons.append((f"{decision['decision']}: {spoken(decision['reason'], REASONS)}", str(decision["reason"])))
    evidence = candidate["evidence"]
    records = ", ".join(map(str, evidence.get("records") or ())) if isinstance(evidence, dict) else ""
    if records:
        reasons.append(("it rests on", records))
    prose.items([*reasons, (f"it was due at {_short(candidate['notice_due_at'])}", "")])
    prose.heading("What happened")
    prose.dated((_short(one.known_at), one.text, f"entry {one.seq}") for one in story.happenings)
    owed = document["obligation"]
    if owed is not None:
        prose.heading("What the partner owes")
        by = f", by {stamp(owed['due_at'])}" if owed["due_at"] else ""
        # The tables are made before anything is sent: what was sent since then counts with the next turn.
        is_newer = owed["state"] == "unsent" and story.was_sent
        since = f" in the tables of {document['turn']}, which are older than its sending" if is_newer else ""
        prose.items(
            [
                (
                    f"{owed['kind']}: {owed['state']}{since}{by}",
                    f"acknowledgment {owed['ack_id']}" if owed["ack_id"] else "",
                )
            ]
        )
