"""Making anew what says how things looked then: the turns are run again, one after the other, as far as it needs.

Belongs here: the catalog in which that happens, and what each turn knew. Does not belong here: how a turn brings tables
up to date (``pipeline.sqlmodels.increments``), which is the same in both.

A table with ``Replayed: turn by turn`` holds what was true in the turn that added a row; nothing that came later may
change it. In the warehouse each turn adds its own rows. From nothing, histories are laid turn by turn (a record's
editions bear the turn that brought them), and the models between them and that table are brought up to date each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import GIVEN_RELATIONS, QUESTION, Question, empty_catalog, give_question
from pipeline.sqlmodels.versions import Record

REPLAY: Final = "replay"
_LEDGER: Final = "ledger.entries"


@dataclass(frozen=True, slots=True)
class _Turn:
    number: int
    now: datetime
    known_at: datetime


def replay(increments: Increments, model: Model) -> str | None:
    """Run all turns again for one table, and return the relation that then holds it.

    None where no turn but the present one brought anything that it needs: then it is what the present one makes of it.
    """
    needed = _left_of(increments, model)
    histories = [name for name in needed if name.endswith("_history")]
    turns = _turns(increments, histories)
    if not [turn for turn in turns if turn.number < increments.turn_no]:
        return None
    connection = increments.connection
    _lay_given(increments, needed)
    connection.execute(f"use {REPLAY}")
    try:
        computed = [name for name in needed if not name.endswith("_history")]
        for turn in turns:
            _run(increments, turn, histories, [*computed, model.name])
    finally:
        connection.execute(f"use {increments.catalog}")
    return f"{REPLAY}.{model.name}"


def _run(increments: Increments, turn: _Turn, histories: Iterable[str], names: Iterable[str]) -> None:
    connection = increments.connection
    question = Question(turn.now, turn.known_at)
    give_question(connection, question)
    replayed = Increments(connection, question, turn.number, models=increments.models, scope_name="replay_scope")
    for name in histories:
        _lay_history(increments, replayed, name, turn)
    for name in names:
        replayed.refresh(increments.models[name])
    replayed.flush()


def _lay_history(increments: Increments, replayed: Increments, name: str, turn: _Turn) -> None:
    """Let a history have its editions up to the turn, those of the turn being what changed."""
    floor, _, table = name.partition(".")
    source = increments.tables.full(name)
    connection = increments.connection
    connection.execute(f"create schema if not exists {floor}")
    connection.execute(f"create or replace view {name} as select * from {source} where turn_no <= {turn.number}")
    changes = f"changes.{floor}__{table}"
    brought = f"from {source} where turn_no = {turn.number}"
    rows, count = connection.sql(
        f"select count(*), count(*) filter (where turn_no = {turn.number}) from {source} where turn_no <= {turn.number}"
    ).fetchall()[0]
    before = replayed.versions.records.get(name)
    version = before.version if before else 0
    if before is not None and not count:
        return
    connection.execute(f"create or replace view {changes} as select '+' as change, edition = 1 as is_new, * {brought}")
    record = Record(turn.number, "", int(rows), version + 1, version or None, turn.now, "replayed")
    replayed.versions.note(name, record, {})


def _lay_given(increments: Increments, needed: Iterable[str]) -> None:
    """Empty the catalog, and lay what no model makes under it; the ledger is what the last turn has."""
    connection = increments.connection
    connection.execute(f"use {REPLAY}")
    empty_catalog(connection, REPLAY)
    given = {source for name in needed for source in increments.models[name].inputs if source not in increments.models}
    for name in sorted(given & (GIVEN_RELATIONS | {_LEDGER}) - {QUESTION}):
        connection.execute(f"create schema if not exists {name.partition('.')[0]}")
        connection.execute(f"create view {name} as select * from {increments.tables.full(name)}")
    connection.execute("create schema if not exists ops")
    connection.execute(f"use {increments.catalog}")


def _left_of(increments: Increments, model: Model) -> list[str]:
    """Return the models that a table needs, in order, down to the histories."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in found or name not in increments.models:
            return
        if not name.endswith("_history"):
            for source in increments.models[name].inputs:
                visit(source)
        found[name] = None

    for source in model.inputs:
        visit(source)
    return list(found)


def _turns(increments: Increments, histories: Iterable[str]) -> list[_Turn]:
    brought = " union ".join(f"select distinct turn_no from {increments.tables.full(name)}" for name in histories)
    rows = increments.connection.sql(
        f"select turn_no, now, known_at from {increments.tables.full('ops.turns')}"
        f" where turn_no <= {increments.turn_no} and turn_no in ({brought}) order by turn_no"
    ).fetchall()
    return [_Turn(int(number), now, known_at) for number, now, known_at in rows]
