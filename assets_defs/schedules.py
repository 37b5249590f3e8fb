"""Schedules: what runs by the clock.

Belongs here: how often. Does not belong here: what runs (``jobs``), what waits for an event (``sensors``).

All are off until somebody switches them on, in the UI or with ``dagster schedule start``.
"""

from datetime import datetime, timedelta
from typing import Final

from dagster import DefaultScheduleStatus, RunRequest, ScheduleDefinition, ScheduleEvaluationContext, schedule

EVERY_FIVE_MINUTES: Final = "*/5 * * * *"
EVERY_NIGHT: Final = "15 3 * * *"
FIRST_OF_THE_MONTH: Final = "30 4 1 * *"


def build_schedules() -> list[ScheduleDefinition]:
    """Make the schedules."""
    sync = ScheduleDefinition(
        name="sync_every_five_minutes",
        job_name="sync",
        cron_schedule=EVERY_FIVE_MINUTES,
        default_status=DefaultScheduleStatus.STOPPED,
        description="A full turn every five minutes.",
    )
    compact = ScheduleDefinition(
        name="compact_every_night",
        job_name="compact",
        cron_schedule=EVERY_NIGHT,
        default_status=DefaultScheduleStatus.STOPPED,
        description="Small landing files become few large ones.",
    )
    return [sync, compact, _monthly_report()]


def month_before(instant: datetime) -> str:
    """Return the partition of the last whole month."""
    return f"{instant.replace(day=1) - timedelta(days=1):%Y-%m}-01"


def _monthly_report() -> ScheduleDefinition:
    @schedule(
        name="report_every_month",
        job_name="monthly_report",
        cron_schedule=FIRST_OF_THE_MONTH,
        default_status=DefaultScheduleStatus.STOPPED,
        description="The compliance report of the month that has ended.",
    )
    def report_every_month(context: ScheduleEvaluationContext) -> RunRequest:
        return RunRequest(partition_key=month_before(context.scheduled_execution_time))

    return report_every_month
