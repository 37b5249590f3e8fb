"""Landing assets: one per stream, made by the pull of its system.

Belongs here: ``landing/<stream>`` and ``landing/pages``. Does not belong here: how a source is read
(``pipeline.ingest``), typing and rejecting (``sql/staging``).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Backoff,
    FreshnessPolicy,
    Jitter,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    RetryPolicy,
    asset,
    multi_asset,
)

from pipeline.streams import STREAMS, Stream, System
from resources.session import Session

FLOOR: Final = "landing"
OWNERS: Final = ("team:data",)
TITLES: Final = {System.VIP: "VIP", System.TRADING_GRID: "Trading Grid"}

# HTTP-level retries take seconds; these take minutes, and only a source that may be back soon is asked again.
RETRIES: Final = RetryPolicy(max_retries=3, delay=30, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS)
PULLED_EVERY: Final = FreshnessPolicy.time_window(warn_window=timedelta(minutes=15), fail_window=timedelta(hours=1))


def build_landing_assets() -> list[AssetsDefinition]:
    """Make the assets of both systems' streams, and of the pages that they came in."""
    return [*(_pull(system) for system in System), _pages()]


def _pull(system: System) -> AssetsDefinition:
    specs = [_spec(stream) for stream in STREAMS.values() if stream.system is system]

    @multi_asset(
        name=f"pull_{system.value}",
        description=f"Pulls what {TITLES[system]} has since the last turn; every byte is durable before it is read.",
        specs=specs,
        can_subset=True,
        retry_policy=RETRIES,
    )
    def pull(context: AssetExecutionContext, workspace: ResourceParam[Session]) -> Iterator[MaterializeResult[None]]:
        yield from _pulled(workspace, [key.path[-1] for key in context.selected_asset_keys])

    return pull


def _pulled(session: Session, wanted: Sequence[str]) -> Iterator[MaterializeResult[None]]:
    for connection in _connections(session, wanted):
        with session.attempt(f"landing.{connection}") as workspace:
            own = [stream for stream in workspace.settings.streams_of(connection) if stream in wanted]
            outcome = workspace.pull(connection, own)
            turn = workspace.turn
        for stream in own:
            yield MaterializeResult(
                asset_key=AssetKey([FLOOR, stream]),
                metadata={
                    "records": outcome.pulled[stream],
                    "connection": connection,
                    "turn": turn.id,
                    **_shape(outcome.shapes.get(stream, {})),
                },
            )
    # A stream that a tenant does not have is empty; left out, it would make Dagster skip all that lies to its right.
    with session.attempt("landing") as workspace:
        settings = workspace.settings
        served = {stream for name in settings.connections for stream in settings.streams_of(name)}
    for stream in sorted(set(wanted) - served):
        yield MaterializeResult(
            asset_key=AssetKey([FLOOR, stream]), metadata={"records": 0, "connection": "none that serves it"}
        )


def _shape(shape: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Say which fields the records had; their number draws a line over the turns, and a step in it is a change."""
    if not shape:
        return {}
    lines = [f"| {name.replace('|', chr(92) + '|')} | {', '.join(kinds)} |" for name, kinds in shape.items()]
    return {"fields": len(shape), "shape": MetadataValue.md("\n".join(["| field | kinds |", "| --- | --- |", *lines]))}


def _connections(session: Session, wanted: Sequence[str]) -> list[str]:
    with session.attempt("landing") as workspace:
        settings = workspace.settings
        return [name for name in settings.connections if set(settings.streams_of(name)) & set(wanted)]


def _spec(stream: Stream) -> AssetSpec:
    fields = ", ".join(f"`{field.name}`" if field.is_required else field.name for field in stream.fields)
    return AssetSpec(
        key=AssetKey([FLOOR, stream.name]),
        description=(
            f"Every record of {stream.name.replace('_', ' ')} that {TITLES[stream.system]} ever gave, byte for byte."
            "\n\n"
            f"Key: {', '.join(stream.key)}. Fields (required ones marked): {fields}."
        ),
        group_name=FLOOR,
        kinds={"python", "json"},
        owners=list(OWNERS),
        tags={"floor": FLOOR, "system": stream.system.value},
        freshness_policy=PULLED_EVERY,
        skippable=True,
    )


def _pages() -> AssetsDefinition:
    @asset(
        key=AssetKey([FLOOR, "pages"]),
        deps=[AssetKey([FLOOR, stream]) for stream in STREAMS],
        description=(
            "Every page that records came in: its body's checksum, the request without secrets, the cursor before and "
            "after, the server's time and ours. What completeness is computed from."
        ),
        group_name=FLOOR,
        kinds={"python", "json"},
        owners=list(OWNERS),
        tags={"floor": FLOOR},
    )
    def pages(workspace: ResourceParam[Session]) -> MaterializeResult[None]:
        with workspace.attempt("landing.pages") as opened:
            counted = opened.connection.sql("select count(*) from landing.pages").fetchall()
            turn = opened.turn
        return MaterializeResult(metadata={"dagster/row_count": int(counted[0][0]), "turn": turn.id})

    return pages
