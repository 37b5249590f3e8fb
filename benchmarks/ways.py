"""Two ways to pull the benchmarks' pages: ours, and the least that anybody can do.

Belongs here: both ways, each measured in a process of its own. Does not belong here: the server
(``benchmarks.served``), the ways of others (``benchmarks.rivals``).
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from benchmarks.served import NOW, PATH

if TYPE_CHECKING:
    from resources.workspace import Workspace

# Typed and deduplicated, and counted against what every page said it held.
TARGETS: Final = ("core.access_events", "ops.pages")
_COLUMNS: Final = (
    "{event_id: 'varchar', event_type: 'varchar', partner_id: 'varchar', user_id: 'varchar', asset_id: 'varchar',"
    " version_no: 'bigint', vector: 'varchar', occurred_at: 'timestamptz', recorded_at: 'timestamptz',"
    " client_ip: 'varchar', user_agent: 'varchar', bytes: 'bigint'}"
)
FAST_LIMITS: Final = "limits: {requests_per_second: 100000, concurrency: 4}"
BY_CURSOR: Final = "{kind: cursor, param: cursor, cursor: next}"
_PROFILE: Final = """\
auth: {kind: none}
%s
defaults:
  path: /v1/{stream}
  records: items
  paging: %s
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way took; ``parts`` in seconds, ``cpu_seconds`` of all its threads."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_mib: int
    parts: Mapping[str, float]


@dataclass(slots=True)
class Watch:
    """Begins to count at the first request, and notes what was spent on what."""

    parts: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    _started: tuple[float, float] = (0.0, 0.0)
    _last: float = 0.0

    def start(self) -> None:
        """Begin."""
        self._started = (time.perf_counter(), time.process_time())
        self._last = self._started[0]

    def note(self, part: str) -> None:
        """Add what was spent since the last note to a part."""
        now = time.perf_counter()
        self.parts[part] = self.parts.get(part, 0.0) + now - self._last
        self._last = now

    def stop(self) -> None:
        """Say that all is done."""
        started, cpu_started = self._started
        self.seconds, self.cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started


Way: TypeAlias = Callable[[str, Path, Watch], int]


@dataclass(frozen=True, slots=True)
class Ours:
    """Our way: pull, land, compute up to core, close, on a state that is opened as ``vipgrid sync`` opens it."""

    limits: str = FAST_LIMITS
    paging: str = BY_CURSOR
    pulls_only: bool = False

    def __call__(self, url: str, folder: Path, watch: Watch) -> int:
        """Return how many rows core has (where only pulled, how many landed)."""
        from pipeline.home import Home
        from pipeline.settings import RestConnection, Settings
        from resources.workspace import Workspace

        profile = folder / "profile.yaml"
        profile.write_text(_PROFILE % (self.limits, self.paging), encoding="utf-8")
        connection = RestConnection(kind="rest", profile=profile, base_url=url, streams=("access_events",))
        settings = Settings(connections={"vip": connection}, folder=folder)
        with Workspace.open(settings, Home(folder / "home"), what="benchmark", actor="benchmark", now=NOW) as workspace:
            watch.start()
            rows = workspace.pull("vip").pulled["access_events"]
            watch.note("pull")
            if not self.pulls_only:
                rows = _compute(workspace, watch)
        watch.note("closing")
        watch.stop()
        return rows


def _compute(workspace: Workspace, watch: Watch) -> int:
    for name in workspace.graph.left_of(TARGETS):
        workspace.compute(name)
        floor, _, table = name.partition(".")
        watch.note(name if table.startswith("access_events") else f"{floor}, the rest")
    unbalanced, rows = workspace.connection.sql(
        "select (select count(*) from ops.pages where not is_balanced), (select count(*) from core.access_events)"
    ).fetchall()[0]
    if unbalanced:
        message = f"{unbalanced} pages are not balanced."
        raise AssertionError(message)
    return int(rows)


def bare(url: str, folder: Path, watch: Watch) -> int:
    """Bring the same bytes into one typed table: no hash, no check, no deduplication, nothing kept."""
    import duckdb
    import httpx
    import msgspec

    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    items_of = msgspec.json.Decoder(list[msgspec.Raw])
    lines = folder / "bare.ndjson"
    cursor: str | None = "0"
    with httpx.Client(base_url=url) as client, lines.open("wb") as file:  # noqa: TID251 - the bare way
        watch.start()
        while cursor is not None:
            page = decoder.decode(client.get(PATH, params={"cursor": cursor}).content)
            file.write(b"\n".join(map(bytes, items_of.decode(page["items"]))) + b"\n")
            cursor = msgspec.json.decode(page["next"])
    watch.note("pull")
    with duckdb.connect(str(folder / "bare.duckdb")) as connection:  # noqa: TID251 - the bare way
        connection.execute("set enable_progress_bar = false")
        connection.execute(
            f"create table events as select * from read_json('{lines}', format = 'newline_delimited',"
            f" columns = {_COLUMNS})"
        )
        rows = int(connection.sql("select count(*) from events").fetchall()[0][0])
        watch.note("read_json")
    watch.note("closing")
    watch.stop()
    return rows


def measure(way: Way, url: str, folder: Path) -> Measured:
    """Run a way in a process of its own, which imports first and is then timed.

    Raises:
        RuntimeError: it did not come to its end.

    """
    folder.mkdir(parents=True)
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_measured, args=(way, url, folder, there))
    process.start()
    there.close()
    try:
        return cast("Measured", here.recv())
    except EOFError:
        message = f"{way} did not come to its end."
        raise RuntimeError(message) from None
    finally:
        process.join()


def _measured(way: Way, url: str, folder: Path, pipe: Connection) -> None:
    import httpx  # noqa: F401 - what both import is not timed

    import resources.workspace  # noqa: F401 - the same

    watch = Watch()
    rows = way(url, folder, watch)
    pipe.send(Measured(rows, watch.seconds, watch.cpu_seconds, peak_mib(), watch.parts))


def peak_mib() -> int:
    """Return the most memory that this process ever had, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
