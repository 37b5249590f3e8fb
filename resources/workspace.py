"""The workspace: one process's hold on the state, from the lock to the published snapshot.

Belongs here: the order in which journal, landing, warehouse and publishing are used, one method per
step; terminal and Dagster call the same ones. Does not belong here: what a step means (``pipeline``).

``Workspace.open`` takes the writer's lock, mends the journal's torn tail and closes the runs of
processes that are gone; from then on everything that this process does is one run of the journal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import duckdb

from pipeline.actions.decide import DecideOutcome, decide_actions
from pipeline.actions.dispatch import DispatchOutcome, dispatch
from pipeline.channels.routing import read_addresses
from pipeline.errors import RefusedError, SourceError
from pipeline.findings import FindingsOutcome, journal_findings
from pipeline.home import Home
from pipeline.ingest.compacting import Compacted, compact, remove_replaced
from pipeline.ingest.importing import referenced_files
from pipeline.ingest.landed import LandedChunk, landed_chunks
from pipeline.ingest.originals import check_parquet
from pipeline.ingest.pull import PullOutcome, pull_connection
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import TURN_COMPLETED, Turn, first_turn, open_turn, read_turns
from pipeline.publish import LATEST, Snapshot, publish
from pipeline.settings import Settings
from pipeline.sqlmodels.arriving import landed_ahead
from pipeline.sqlmodels.graph import LEDGER_STEPS, Graph, load_graph
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.journalled import give_ledger
from pipeline.sqlmodels.relations import Landing, Question, give_landing, give_settings
from pipeline.sqlmodels.replaying import replay
from pipeline.sqlmodels.runner import Result, existing_tables
from pipeline.sqlmodels.typed_ahead import TypedAhead
from pipeline.version import code_version
from resources.budget import Budget
from resources.clock import read_clock
from resources.journalled_run import JournalledRun
from resources.outbox_sender import SystemWaiter, open_senders
from resources.rest import make_client
from resources.warehouse import open_beside, open_for_writing, writer_lock

# The models that fold what people decided and the dispatcher did.
FOLDS: Final = ("core.decisions", "sync.actions", "sync.notice_decisions")


@dataclass(frozen=True, slots=True)
class Compacting:
    """What was merged, and how many files were removed."""

    merged: Sequence[Compacted]
    removed: int


StepResult = Result | FindingsOutcome | DecideOutcome


@dataclass
class Workspace:
    """What one process may do while it holds the writer's lock; made by ``Workspace.open`` only."""

    settings: Settings
    home: Home
    journal: Journal
    graph: Graph
    run_id: str
    asked_now: datetime | None
    _exit: ExitStack
    _turn: Turn | None = None
    _warehouse: duckdb.DuckDBPyConnection | None = None
    _increments: Increments | None = None
    _tables: frozenset[str] | None = None
    _ahead: TypedAhead | None = None
    _budget: Budget | None = None
    _journal_lock: threading.Lock = field(default_factory=threading.Lock)
    _opening_lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    @contextmanager
    def open(  # noqa: PLR0913 - who, what, when and how long are all the caller's
        cls,
        settings: Settings,
        home: Home,
        *,
        what: str,
        actor: str,
        now: datetime | None = None,
        wait_seconds: float | None = None,
        say: Callable[[str], None] = lambda _: None,
        is_journalled: bool = True,
    ) -> Iterator[Workspace]:
        """Take the lock and begin a run; end the run, however that happens, and free the lock.

        Only what changes nothing but the cache (a rebuild) is not journalled.

        Raises:
            BusyError: the lock was not free within ``wait_seconds``.

        """
        with ExitStack() as stack:
            stack.enter_context(writer_lock(home, wait_seconds=wait_seconds, say=say))
            journal = Journal(home.ledger)
            journal.mend()
            run = JournalledRun(journal)
            workspace = cls(settings, home, journal, load_graph(), run.run_id, now, stack)
            if not is_journalled:
                yield workspace
                return
            run.begin(what, actor)
            try:
                yield workspace
            except BaseException as error:
                run.end(actor, "failed", f"{type(error).__name__}: {error}")
                raise
            run.end(actor, "succeeded")
            workspace._show_run()

    @property
    def turn(self) -> Turn:
        """The turn that this run is about: the one it opened, else the last one.

        A last turn that was begun and of which nothing was computed yet (its source is down, say) leaves the
        warehouse at the last complete one: then it is about that.

        Raises:
            RefusedError: nothing was ever pulled.

        """
        if self._turn is None:
            self._turn = self._standing_turn()
        if self._turn is None:
            message = "Nothing was pulled yet: run `vipgrid sync` (or materialize everything) first."
            raise RefusedError(message)
        return self._turn

    @property
    def known_turn(self) -> Turn | None:
        """The turn that this run is about, where that is settled already."""
        return self._turn

    @property
    def question(self) -> Question:
        """What the tables of this turn answer."""
        return Question(self.turn.now, self.turn.known_at)

    def open_turn(self, *, is_import: bool = False) -> Turn:
        """Open this run's turn, or resume the one that never ended."""
        if self._turn is None:
            now = read_clock(self.settings.clock)
            self._turn = open_turn(self.journal, self.asked_now, now, is_import=is_import)
        return self._turn

    def pull(
        self,
        connection: str,
        streams: Sequence[str] | None = None,
        on_progress: Callable[[str, int], None] | None = None,
    ) -> PullOutcome:
        """Pull a connection's streams into landing; where there is no warehouse yet, they are typed meanwhile.

        Raises:
            SourceError: a stream could not be read; the others are landed.

        """
        outcome = pull_connection(
            connection,
            self.settings,
            self.home,
            self.journal,
            self.open_turn(),
            client_factory=make_client,
            streams=streams,
            on_progress=on_progress,
            lock=self._journal_lock,
            on_chunk=self._on_chunk(),
        )
        for error in outcome.failed.values():
            more = f" (and {len(outcome.failed) - 1} more streams)" if len(outcome.failed) > 1 else ""
            raise SourceError(f"{error}{more}", is_transient=error.is_transient) from error
        return outcome

    def _on_chunk(self) -> Callable[[LandedChunk], None] | None:
        """Return what is to be told of durable chunks: of the first pulls, when nobody can read the warehouse yet."""
        if self._ahead is None and not self.home.warehouse.exists():
            self._ahead = TypedAhead(
                lambda: open_beside(self._limits()),
                self.home.landing.resolve(),
                self.graph.models,
                on_settled=lambda: self._limits().use_all_cores(),
            )
            self._exit.callback(self._ahead.close)
        return self._ahead.add if self._ahead else None

    def compact(self) -> Compacting:
        """Merge small landing files, and remove what was replaced once no reader can have its name.

        Raises:
            BusyError: a reader kept the warehouse for longer than a minute; the next call removes what was replaced.

        """
        merged = compact(self.home, self.journal, self.turn)
        # Whoever reads the warehouse has the names in its views; while it is open for writing, nobody does.
        if self.home.warehouse.exists():
            landed = [chunk for chunk in landed_chunks(self.journal) if chunk.turn <= self.turn.number]
            give_landing(self._opened(), self.home.landing.resolve(), landed)
        return Compacting(merged, remove_replaced(self.home, self.journal))

    def take_up(self, turn: Turn) -> None:
        """Go on with a turn that is there already."""
        self._turn = turn

    def landed_ahead(self, name: str) -> Sequence[LandedChunk]:
        """Return the landed chunks that computing a model of staging will read."""
        return landed_ahead(self.graph.models[name], self.increments.versions, self.increments.landing)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The warehouse, opened at the first use, with landing, ledger and configuration laid under the models."""
        self.increments.settle()
        return self._opened()

    @property
    def increments(self) -> Increments:
        """What brings the warehouse's tables up to date."""
        if self._increments is None:
            self._turn = self._turn or self._standing_turn() or self.open_turn()
            connection = self._opened()
            landed = [chunk for chunk in landed_chunks(self.journal) if chunk.turn <= self._turn.number]
            folder = self.home.landing.resolve()
            give_landing(connection, folder, landed)
            go_live = first_turn(self.journal) or self._turn
            give_settings(connection, self.settings, self.question, go_live.now)
            give_ledger(connection, self.journal.path.resolve())
            self._increments = Increments(
                connection,
                self.question,
                self._turn.number,
                Landing.of(folder, landed),
                self.graph.models,
                replay,
                self._ahead.take if self._ahead else None,
                gathers_empty=True,
            )
            self._exit.callback(self._increments.flush)
        return self._increments

    def _limits(self) -> Budget:
        """Return the limits of the warehouse's connection, one for all threads."""
        connection = self._opened()
        with self._opening_lock:
            self._budget = self._budget or Budget(connection)
        return self._budget

    def _opened(self) -> duckdb.DuckDBPyConnection:
        with self._opening_lock:
            if self._warehouse is None:
                self._warehouse = self._exit.enter_context(
                    open_for_writing(self.home, reads=referenced_files(self.home, self.journal))
                )
                # What is typed beside it has to be given up before it is closed.
                if self._ahead:
                    self._exit.callback(self._ahead.close)
        return self._warehouse

    def _standing_turn(self) -> Turn | None:
        turns = read_turns(self.journal)
        complete = turns.last_complete
        if turns.unfinished is None or complete is None:
            return turns.last
        if not self.home.warehouse.exists():
            return complete
        has_later = (
            self._opened()
            .sql("select 1 from duckdb_tables() where schema_name = 'ops' and table_name = 'models'")
            .fetchall()
            and self._opened()
            .sql("select 1 from ops.models where turn_no > ? limit 1", params=[complete.number])
            .fetchall()
        )
        return turns.last if has_later else complete

    def refresh_ledger(self) -> None:
        """Lay the journal under the models as it is now."""
        give_ledger(self.connection, self.journal.path.resolve())
        self.increments.sources.forget_given("ledger.entries")

    def compute(self, name: str) -> StepResult:
        """Compute one model, or take one ledger step; inputs that do not exist yet are computed first.

        Raises:
            GrainError: the model's grain does not hold; the old table stays.

        """
        if name in LEDGER_STEPS:
            return self._ledger_step(name)
        model = self.graph.models[name]
        for needed in self.graph.left_of(model.inputs, stop_at=self._existing()):
            self._run(needed)
        return self._run(name)

    def ensure(self, name: str) -> None:
        """Compute a table that does not exist yet, and what it needs."""
        if name in self.graph.models and name not in self._existing():
            self.compute(name)

    def compute_all(self, on_step: Callable[[str], None] | None = None) -> None:
        """Compute everything, in order."""
        for name in self.graph.order:
            if on_step:
                on_step(name)
            self.compute(name)

    def rebuild(self, on_step: Callable[[str], None] | None = None) -> int:
        """Make every table again from landing and journal as of the last complete turn; nothing is journalled.

        Returns the number of tables.
        """
        names = [name for name in self.graph.order if name not in LEDGER_STEPS]
        for name in names:
            if on_step:
                on_step(name)
            self.compute(name)
        return len(names)

    def refresh_folds(self) -> None:
        """Compute again what folds the journal, and what lies to the right of that."""
        self.refresh_ledger()
        folds = [name for name in FOLDS if name in self.graph.models]
        for name in (*folds, *self.graph.right_of(folds)):
            if name not in LEDGER_STEPS:
                self.compute(name)

    def is_computed(self) -> bool:
        """Say whether every model was computed in this turn, and every stream pulled in it."""
        self.increments.flush()
        done = self.connection.sql(
            "select model from ops.models where turn_no = ?", params=[self.turn.number]
        ).fetchall()
        missing = self.graph.models.keys() - {row[0] for row in done}
        return not missing and self._is_pulled()

    def complete_turn(self) -> None:
        """Journal that the turn is complete; a second time changes nothing."""
        if read_turns(self.journal).unfinished == self.turn:
            self.journal.append([self.turn.draft(TURN_COMPLETED, {"turn": str(self.turn.number)})])
            self.refresh_ledger()
            self.compute("ops.turns")
            self.increments.drop_read_changes()

    def publish(self, kind: str = LATEST) -> Snapshot:
        """Publish the tables as they are, as one snapshot."""
        self.increments.flush()
        return publish(self.connection, self.home, self.graph, self.turn, kind=kind, code_version=code_version())

    def dispatch(self) -> DispatchOutcome:
        """Drain the outbox, compute again what folds it, and publish.

        Raises:
            ConfigurationError: a profile, an address or a secret is wrong.

        """
        self.refresh_folds()
        addresses = read_addresses(self.connection) if self.settings.channels else {}
        with open_senders(self.settings, addresses=addresses) as senders:
            outcome = dispatch(self.connection, self.journal, self.turn, self.settings, senders, waiter=SystemWaiter())
        self.refresh_folds()
        self.publish()
        return outcome

    def _run(self, name: str) -> Result:
        for landed in self.landed_ahead(name):
            if landed.chunk.is_parquet:
                check_parquet(self.home.landing, landed.chunk)
        model = self.graph.models[name]
        floor = None if self.turn.is_import else model.floor
        result = self._limits().within(floor, lambda: self.increments.refresh(model))
        self._tables = self._existing() | {name}
        return result

    def _existing(self) -> frozenset[str]:
        if self._tables is None:
            self._tables = frozenset(existing_tables(self.connection))
        return self._tables

    def _is_pulled(self) -> bool:
        pulled = self.connection.sql(
            "select count(*) from ops.streams where last_pulled_turn_no is distinct from ?", params=[self.turn.number]
        ).fetchall()
        return bool(pulled[0][0] == 0)

    def _show_run(self) -> None:
        """Show this run's end in the warehouse, where that is open anyway."""
        if self._increments is not None:
            self.refresh_ledger()
            self.compute("ops.runs")

    def _ledger_step(self, name: str) -> FindingsOutcome | DecideOutcome:
        for needed in LEDGER_STEPS[name]:
            self.ensure(needed)
        outcome: FindingsOutcome | DecideOutcome
        if name == "ledger.findings":
            outcome = journal_findings(self.connection, self.journal, self.turn)
        else:
            outcome = decide_actions(self.connection, self.journal, self.turn, self.settings)
        self.refresh_ledger()
        return outcome
