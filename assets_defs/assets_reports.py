"""Report assets: what is issued once a month.

Belongs here: the partition and how an issued report looks in Dagster. Does not belong here: the report
(``pipeline.reports``).
"""

from typing import Final

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    MonthlyPartitionsDefinition,
    ResourceParam,
    asset,
)

from pipeline.reports.issue import issue_report
from resources.session import Session

FIRST_MONTH: Final = "2024-01-01"
MONTHS: Final = MonthlyPartitionsDefinition(start_date=FIRST_MONTH, end_offset=1)


def build_report_assets() -> list[AssetsDefinition]:
    """Make the reports' assets."""
    return [_compliance()]


def _compliance() -> AssetsDefinition:
    @asset(
        key=AssetKey(["reports", "compliance"]),
        deps=[AssetKey(["published", "latest"])],
        partitions_def=MONTHS,
        description=(
            "The compliance report of a month: every mart as Parquet and CSV with a manifest, and a page to read. As "
            "the month ended, or, while it runs, as of the last complete turn; COMPLETE or PARTIAL, with the reasons."
        ),
        group_name="reports",
        kinds={"parquet", "csv", "html"},
        owners=["team:compliance"],
        tags={"floor": "reports"},
    )
    def compliance(context: AssetExecutionContext, workspace: ResourceParam[Session]) -> MaterializeResult[None]:
        month = context.partition_key[: len("2026-01")]
        with workspace.attempt(f"reports.compliance {month}") as opened:
            issued = issue_report(opened.connection, opened.home, opened.graph, opened.turn, month=month)
            opened.refresh_ledger()
        return MaterializeResult(
            metadata={
                "folder": MetadataValue.path(str(issued.folder)),
                "rows": sum(issued.rows.values()),
                "completeness": issued.completeness.value,
            }
        )

    return compliance
