"""Jobs: what is run as one.

Belongs here: `sync` (a whole turn), `checks`, `dispatch` (drain the outbox), `alert` (tell a person), `compact`,
`monthly_report`.
Does not belong here: when they run (``schedules``, ``sensors``), what the steps do.
"""

from typing import Any

from dagster import (
    AssetObservation,
    AssetSelection,
    Config,
    JobDefinition,
    OpExecutionContext,
    ResourceParam,
    RetryPolicy,
    define_asset_job,
    in_process_executor,
    job,
    op,
)

from pipeline.actions.dispatch import DispatchOutcome
from pipeline.actions.senders import Result
from pipeline.errors import SourceError
from resources.session import Session, send_alert

SYNC = "sync"
CHECKS = "checks"
DISPATCH = "dispatch"
ALERT = "alert"
COMPACT = "compact"
MONTHLY_REPORT = "monthly_report"
REPORTS = AssetSelection.groups("reports")


class AlertConfig(Config):
    """What a person is told."""

    subject: str
    body: str


def build_jobs() -> list[Any]:
    """Make the jobs."""
    return [
        define_asset_job(
            SYNC,
            selection=AssetSelection.all() - REPORTS,
            description="One full turn: pull both systems, compute every table, decide what is due, publish.",
            executor_def=in_process_executor,
        ),
        define_asset_job(
            CHECKS,
            selection=AssetSelection.all_asset_checks(),
            description="Holds every check against the tables as they are; nothing is computed anew.",
            executor_def=in_process_executor,
        ),
        define_asset_job(
            MONTHLY_REPORT,
            selection=REPORTS,
            description="Issues the compliance report of a month.",
            executor_def=in_process_executor,
        ),
        _dispatch(),
        _alert(),
        _compact(),
    ]


def _dispatch() -> JobDefinition:
    @op(description="Sends what is pending, each action once, and publishes what became of it.")
    def drain_outbox(context: OpExecutionContext, workspace: ResourceParam[Session]) -> DispatchOutcome:
        with workspace.attempt("dispatch") as opened:
            outcome = opened.dispatch()
            turn = opened.turn
        for message in outcome.messages:
            context.log.warning(message)
        counts: dict[str, int | str] = {
            "sent": outcome.sent,
            "suppressed": outcome.suppressed,
            "dead": outcome.dead,
            "turn": turn.id,
        }
        for key in (["sync", "actions"], ["published", "latest"]):
            context.log_event(AssetObservation(asset_key=key, metadata=counts))
        return outcome

    @job(
        name=DISPATCH,
        description="Drains the outbox: every pending action is sent once, looked up before it is sent again.",
        executor_def=in_process_executor,
    )
    def dispatch() -> None:
        drain_outbox()

    return dispatch


def _compact() -> JobDefinition:
    @op(description="Merges small landing files into few large ones; no byte of a record is lost.")
    def compact_landing(context: OpExecutionContext, workspace: ResourceParam[Session]) -> None:
        with workspace.attempt("compact") as opened:
            done = opened.compact()
        for one in done.merged:
            counts: dict[str, int] = {
                "files_before": one.before,
                "files_after": one.after,
                "bytes_before": one.bytes_before,
                "bytes_after": one.bytes_after,
            }
            context.log_event(AssetObservation(asset_key=["landing", one.stream], metadata=counts))

    @job(
        name=COMPACT,
        description="Keeps landing small in number: merges the small files of each stream.",
        executor_def=in_process_executor,
    )
    def compact() -> None:
        compact_landing()

    return compact


def _alert() -> JobDefinition:
    @op(
        description="Tells a person over the configured channel.",
        retry_policy=RetryPolicy(max_retries=3, delay=60),
    )
    def tell_a_person(context: OpExecutionContext, config: AlertConfig, workspace: ResourceParam[Session]) -> None:
        with workspace.attempt("alert") as opened:
            outcome = send_alert(opened, config.subject, config.body)
            if outcome is not None and outcome.result is not Result.ACCEPTED:
                raise SourceError(outcome.error or "The alert channel refused the alert.", is_transient=True)
        if outcome is None:
            context.log.warning("No alert channel is configured (alerts.url), so nobody was told: %s", config.subject)

    @job(
        name=ALERT,
        description="Tells a person that something needs one: a red check, a failed run.",
        executor_def=in_process_executor,
    )
    def alert() -> None:
        tell_a_person()

    return alert
