"""One asset at another instant: tables computed for it alone, so that asking is quick on any network.

Belongs here: which of the ways to ask is taken, and opening it. Does not belong here: what is computed
(``pipeline.whatif.supposing``, ``pipeline.sqlmodels.asking``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.home import Home
from pipeline.sqlmodels.asking import ALWAYS_ASKED, Stored
from pipeline.sqlmodels.graph import load_graph
from pipeline.sqlmodels.relations import Connection, Question
from pipeline.whatif.supposing import Focus, Wanted, stored_or_refuse, suppose
from resources.reading import Origin, Past, Reader, open_reader
from resources.warehouse import open_for_reading


@contextmanager
def open_about(home: Home, asset_id: str, past: Past, check: Callable[[Connection], None]) -> Iterator[Reader]:
    """Open tables that answer about one asset; ``check`` sees all ids first, and may refuse.

    Raises:
        StateError: nothing was ever computed here.
        BusyError: a writer holds the warehouse, and what was published last cannot answer instead.

    """
    if past.as_of is None or past.known_at is not None:
        # What was known before may be anything: then every table is asked for as it was.
        with open_reader(home, past) as reader:
            check(reader.connection)
            yield reader
        return
    with open_for_reading(home) as connection:
        stored = stored_or_refuse(connection)
        check(connection)
        graph, question = load_graph(), Question(past.as_of, stored.question.known_at)
        targets = dict.fromkeys((*past.targets, *ALWAYS_ASKED))
        suppose(connection, graph, Wanted(tuple(targets)), question, Focus((asset_id,)), ())
        yield Reader(
            connection, graph, Origin.WAREHOUSE, turn_id(stored), question, is_past=past.as_of < stored.question.as_of
        )


def turn_id(stored: Stored) -> str:
    """Return the id of the turn whose tables are stored."""
    return f"T{stored.turn_no:06d}"
