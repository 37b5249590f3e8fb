"""The demo: a sandbox, a first turn, weeks of life with notices and reactions, reports; and Dagster's UI over it.

Belongs here: the story and its telling. Does not belong here: any step of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from cyclopts import App

from cli.context import Context
from cli.output import shown
from cli.patterns import count_patterns, show_patterns
from cli.reporting import describe
from cli.sandboxes import LOCAL_SECRETS, Sandbox, advance, last_ports, running_sandbox, start, stop
from cli.states import show_waiting
from cli.words import Given
from cli.working import count_positions, read_outcome, run_turn
from pipeline.errors import ExitCode
from pipeline.home import Home
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import read_turns
from pipeline.reports.issue import Issued, issue_report
from resources.reading import Reader, open_reader
from resources.workspace import Workspace

CHECKOUT: Final = Path(__file__).parent.parent
CONFIG_NAME: Final = "vipgrid.yaml"
STEPS_DAYS: Final = (2, 2, 3, 3, 4)
UI_PORT: Final = 3000
_CONFIG: Final = """\
# Written by `vipgrid demo` for the sandbox of this folder; secrets come from the environment.
connections:
  vip:
    kind: rest
    profile: {profiles}/vip/sandbox.yaml
    base_url: {vip}
    secrets: {{client_id: "${{SANDBOX_CLIENT_ID}}", client_secret: "${{SANDBOX_CLIENT_SECRET}}"}}
  trading_grid:
    kind: rest
    profile: {profiles}/trading_grid/sandbox.yaml
    base_url: {trading_grid}
    secrets: {{client_id: "${{SANDBOX_CLIENT_ID}}", client_secret: "${{SANDBOX_CLIENT_SECRET}}"}}
clock: {{url: "{clock}"}}
notices:
  approve_above: {{partners: 1000, share: 1.0}}
  digest: {{every: daily, at_least: 3}}
  requests_per_second: 50
"""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One turn of the story: how far the clock went, and what came of it."""

    days: float
    outcome: dict[str, Any]


def add_to(app: App) -> None:
    """Add the commands."""
    for command in (demo, ui):
        app.command(command)


def demo(*, seed: int = 7, scale: int = 1, context: Given) -> int:
    """A sandbox, a first turn, weeks of life with notices and what partners made of them, and reports."""
    home = context.home
    with context.out.progress("starting the sandbox"):
        running = start(home, seed=seed, scale=scale, ports=last_ports(home))
    try:
        told = replace(context, config=_write_config(home, running))
        is_first = read_turns(Journal(home.ledger)).last_complete is None
        chapters = _live(told, running) if is_first else [_turn(told, 0)]
        issued = _report(told)
        with open_reader(home) as reader:
            document = _found(reader, chapters, is_first=is_first)
    finally:
        stop(home)
    document |= {"reports": [describe(one) for one in issued], "config": str(told.config), "home": str(home.path)}
    context.out.result(document, lambda: _show(context, document))
    return ExitCode.DONE


def ui(*, port: int = UI_PORT, context: Given) -> int:
    """Dagster's UI over this home, on 127.0.0.1; over a demo's home, its sandbox runs meanwhile."""
    home = context.home
    config, is_demo = context.config, (home.path / "sandbox").is_dir()
    if is_demo:
        with context.out.progress("starting the sandbox"):
            running = running_sandbox(home) or start(home, seed=7, scale=1, ports=last_ports(home))
        config = _write_config(home, running)
    else:
        context.settings()
    try:
        return _serve_ui(context, home, config, port)
    finally:
        if is_demo:
            stop(home)


def _serve_ui(context: Context, home: Home, config: Path, port: int) -> int:
    from assets_defs.launch import ui_command, ui_environment

    context.out.say(f"Dagster's UI is at http://127.0.0.1:{port} in a moment; Ctrl-C ends it.")
    environment = {**os.environ, **ui_environment(home, config)}
    # What a shell starts in the background is made to ignore interrupts, and hands that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(ui_command(port), cwd=CHECKOUT, env=environment)  # noqa: S603 - our own program
    # Dagster ends its own processes on an interrupt only.
    signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGINT))
    try:
        code = process.wait()
    except KeyboardInterrupt:
        code = process.wait()
        return ExitCode.DONE
    return ExitCode.DONE if code == 0 else ExitCode.COULD_NOT_RUN


def _write_config(home: Home, running: Sandbox) -> Path:
    for name, value in LOCAL_SECRETS.items():
        os.environ.setdefault(name, value)
    home.make()
    text = _CONFIG.format(
        profiles=CHECKOUT / "connections", vip=running.vip, trading_grid=running.trading_grid, clock=running.clock_url
    )
    path = home.path / CONFIG_NAME
    fresh = path.with_name(f".{CONFIG_NAME}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
    return path


def _live(context: Context, running: Sandbox) -> list[Chapter]:
    """Sync, and let time go by, a few times over."""
    chapters = [_turn(context, 0)]
    for days in STEPS_DAYS:
        with context.out.progress(f"{days} days go by"):
            advance(running, {"days": days})
        chapters.append(_turn(context, days))
    return chapters


def _turn(context: Context, days: float) -> Chapter:
    run_turn(context, now=None, is_dispatching=True)
    return Chapter(days, read_outcome(context))


def _report(context: Context) -> list[Issued]:
    """Issue the report of now, and of the last whole month."""
    actor = context.actor()
    with (
        context.out.progress("reporting"),
        Workspace.open(context.settings(), context.home, what="report", actor=actor, say=context.out.say) as workspace,
    ):
        workspace.refresh_folds()
        before = (workspace.turn.now.year * 12 + workspace.turn.now.month - 2) // 12
        month = (workspace.turn.now.month - 2) % 12 + 1
        months = (None, f"{before}-{month:02d}")
        return [
            issue_report(workspace.connection, workspace.home, workspace.graph, workspace.turn, month=one, actor=actor)
            for one in months
        ]


def _found(reader: Reader, chapters: list[Chapter], *, is_first: bool) -> dict[str, Any]:
    outdated = reader.rows("select count(distinct partner_id) as n from marts.outdated_holdings where is_outdated")
    days = reader.rows(f"select date_diff('hour', min(now), max(now)) / 24 as days from {reader.table('ops.turns')}")  # noqa: S608 - a name of ours
    notices = reader.rows(
        "select kind, state, count(*) as notices, count(distinct partner_id) as partners from marts.notice_log"
        " where posted_by = 'vipgrid' group by kind, state order by kind, state"
    )
    return {
        "is_first": is_first,
        "days": days[0]["days"],
        "turns": [
            {
                "turn": chapter.outcome["turn"],
                "now": chapter.outcome["as_of"],
                "days_later": chapter.days,
                "records": sum(row["fetched"] for row in chapter.outcome["arrived"]),
                "notices": chapter.outcome["notices"],
                "outdated_pairs": sum(
                    chapter.outcome["positions"].get(name, {"pairs": 0})["pairs"]
                    for name in ("stale_in_grace", "stale_overdue", "regressed", "withdrawn_held", "expired_held")
                ),
            }
            for chapter in chapters
        ],
        "positions": count_positions(reader),
        "partners_outdated": outdated[0]["n"],
        "patterns": count_patterns(reader),
        "notices": notices,
        "told_twice": reader.rows(_TOLD_TWICE)[0]["n"],
        "new_notices": sum(chapter.outcome["notices"]["sent"] for chapter in chapters),
        "reactions": reader.rows(_REACTIONS),
        "waiting_for_a_person": chapters[-1].outcome["waiting_for_a_person"],
    }


# What Trading Grid has more than once under one key of ours.
_TOLD_TWICE: Final = """
    select count(*) as n
    from (select external_key from core.notices where external_key is not null group by all having count(*) > 1)
"""

# What partners did about the notices that we sent: the strongest of their reactions each.
_REACTIONS: Final = """
    with ours as (
        select remote_id as notice_id, partner_id, asset_id, version_no, kind, sent_at
        from marts.notice_log where posted_by = 'vipgrid' and state = 'sent' and remote_id is not null
    ),
    reacted as (
        select
            ours.notice_id,
            exists (
                select 1 from core.acknowledgments as answers
                where answers.partner_id = ours.partner_id and answers.asset_id = ours.asset_id
                    and answers.occurred_at >= ours.sent_at and answers.kind not in ('auto', 'proxy')
            ) as has_answered,
            exists (
                select 1 from freshness.obtained
                where obtained.partner_id = ours.partner_id and obtained.asset_id = ours.asset_id
                    and obtained.version_no = ours.version_no and obtained.obtained_at >= ours.sent_at
            ) as has_obtained,
            exists (
                select 1 from core.comments
                where comments.thread_type = 'notice' and comments.thread_id = ours.notice_id
            ) as has_commented
        from ours
    )
    select
        case
            when has_answered and has_obtained then 'obtained it and acknowledged'
            when has_answered then 'acknowledged'
            when has_obtained then 'obtained it, and said nothing'
            when has_commented then 'commented only'
            else 'silent so far'
        end as reaction,
        count(*) as notices
    from reacted group by reaction order by notices desc, reaction
"""


def _show(context: Context, document: dict[str, Any]) -> None:
    out = context.out
    out.line("")
    is_any_suppressed = any(turn["notices"]["suppressed"] for turn in document["turns"])
    told = ("sent", "suppressed") if is_any_suppressed else ("sent",)
    out.table(
        "Turns",
        ("turn", "the sandbox's clock", "records pulled", "outdated pairs", "notices sent", "suppressed")[
            : 4 + len(told)
        ],
        (
            (
                turn["turn"],
                turn["now"],
                turn["records"],
                turn["outdated_pairs"],
                *(turn["notices"][kind] for kind in told),
            )
            for turn in document["turns"]
        ),
    )
    positions = ((name, counts["partners"], counts["pairs"]) for name, counts in document["positions"].items())
    out.table("Who holds what", ("position", "partners", "pairs"), positions)
    out.line(f"{document['partners_outdated']} partners hold something outdated.")
    notices = ((row["kind"], row["state"], row["notices"], row["partners"]) for row in document["notices"])
    out.table("Notices in Trading Grid", ("kind", "state", "notices", "partners"), notices)
    if not document["is_first"]:
        out.line(
            f"{document['told_twice']} new notices of what was told before;"
            f" {document['new_notices']} where something went on.",
            style="bold",
        )
    reactions = ((row["reaction"], row["notices"]) for row in document["reactions"])
    out.table("What partners did about them", ("reaction", "notices"), reactions)
    show_patterns(out, document["patterns"], document["days"])
    show_waiting(out, document["waiting_for_a_person"])
    for report in document["reports"]:
        out.line(f"Report {report['name']} ({report['completeness']}): {report['page']}")
    out.line(f"Ask further: vipgrid positions --home {shown(document['home'])}   or look: make ui")
