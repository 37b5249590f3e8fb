"""What a large network costs, each figure next to its bound.

Belongs here: what is measured, and against what. Does not belong here: the network (``benchmarks.large``).

Seconds of the processors are given beside seconds by the clock: on a machine that others use, only they say anything.
"""

from __future__ import annotations

import argparse
import resource
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import duckdb

from benchmarks.large import NOW, Large, Spent, measured
from pipeline.home import Home
from pipeline.sqlmodels.asking import ask
from pipeline.sqlmodels.graph import SQL_FOLDER, Graph, load_graph
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.relations import Question
from pipeline.sqlmodels.runner import create_table
from resources.warehouse import open_for_reading, open_for_writing

TIMED_FLOORS: Final = ("core", "freshness", "audit", "marts")
WORTH_SAYING_SECONDS: Final = 0.05
BOUNDARIES: Final = 1_000
POSITIONS: Final = "freshness.positions"
_BARE: Final = (
    "create or replace table asked.main.bare as select partner_id, asset_id, arg_max(version_no, occurred_at) as version_no"
    " from staging.access_events where event_type = 'downloaded' group by partner_id, asset_id"
)


def main() -> None:
    """Fill a home once, then measure turns of little in it, questions, and making all anew."""
    parser = argparse.ArgumentParser(prog="benchmarks.large")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--sql", type=Path, default=SQL_FOLDER)
    parser.add_argument("--new", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=3, help="how many turns of each kind; the least is given")
    parser.add_argument("--targets", nargs="*", default=[], help="only what these models need")
    given = parser.parse_args()
    home = Home(given.home)
    home.make()
    graph = load_graph(given.sql)
    with open_for_writing(home) as connection:
        large = Large(connection, home, graph, given.events)
        names = large.names("staging", "ops", "sync", *TIMED_FLOORS)
        if given.targets:
            names = [name for name in names if name in graph.left_of(given.targets)]
        fill(large, names)
        turns = [turn_with(large, names, given.new) for _ in range(given.turns)]
        say(f"a turn with {given.new} new events", min(turns, key=lambda spent: spent.cpu), "3 s")
        passing = [turn_with_boundaries(large, names) for _ in range(given.turns)]
        count, spent = max(passing, key=lambda one: (one[0], -one[1].cpu))
        say(f"a turn in which {count} boundaries passed", spent, f"2 s with {BOUNDARIES}")
    if POSITIONS in names:
        measure_questions(home, graph)
        with open_for_writing(home) as connection:
            measure_anew(Large(connection, home, graph, given.events))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{'memory at most':60s} {peak:8.1f} GiB  (bound 4 GiB)")


def fill(large: Large, names: Sequence[str]) -> None:
    """Lay the network, where there is none, and bring everything up to date."""
    is_new = large.is_new()
    increments = large.turn(NOW if is_new else large.now() + timedelta(hours=1))
    if is_new:
        large.compute(increments, large.names("staging"))
        with measured() as spent:
            large.fill(increments)
        say("laid into staging", spent)
    detail("everything brought up to date", large.compute(increments, names), increments)


def turn_with(large: Large, names: Sequence[str], count: int) -> Spent:
    """Run a turn an hour later, in which so many events arrived."""
    now = large.now() + timedelta(hours=1)
    increments = large.turn(now)
    large.arrive(increments, count, now)
    return detail(f"a turn with {count} new events", large.compute(increments, names), increments)


def turn_with_boundaries(large: Large, names: Sequence[str]) -> tuple[int, Spent]:
    """Run a turn in which nothing arrived, at the instant by which so many rows change by the clock, if so many do."""
    last = large.now()
    changing = [
        f"select next_change_at from {name}"
        for name in names
        if name.startswith("freshness.") and "next_change_at" in large.connection.sql(f"from {name} limit 0").columns
    ]
    found = large.connection.execute(
        f"select max(next_change_at), count(*) from (from ({' union all '.join(changing)}) where next_change_at > $now"
        f" order by next_change_at limit {BOUNDARIES})",
        {"now": last},
    ).fetchall()
    instant, count = found[0]
    increments = large.turn(instant or last + timedelta(hours=1))
    spent = detail(f"a turn in which {count} boundaries passed", large.compute(increments, names), increments)
    return int(count), spent


def measure_anew(large: Large) -> None:
    """Compare making tables anew with the same SELECTs run by hand, and positions with the barest question."""
    names = [name for name in large.graph.left_of([POSITIONS]) if name.partition(".")[0] in {"core", "freshness"}]
    increments = large.turn(large.now())
    by_hand, anew = Spent(), Spent()
    for name in names:
        model = large.graph.models[name]
        with measured() as spent:
            create_table(large.connection, model, increments.question)
        add(by_hand, spent)
        with measured() as spent:
            increments.replace(model)
        add(anew, spent)
    increments.flush()
    with measured() as bare:
        large.connection.execute(_BARE)
    say("core and freshness up to positions, anew", anew)
    say("the same SELECTs by hand", by_hand)
    say_ratio("  anew, as many times by hand", anew, by_hand, 1.3)
    say("positions alone", spent)
    say("arg_max per pair", bare)
    say_ratio("  positions, as many times arg_max", spent, bare, 3)


def measure_questions(home: Home, graph: Graph) -> None:
    """Ask about one partner and about all, as of an earlier instant and as known then."""
    with open_for_reading(home) as connection:
        now, known_at = connection.sql("select max(now), max(known_at) from ops.turns").fetchall()[0]
        earlier = now - timedelta(hours=5)
        asked: tuple[tuple[str, Question, dict[str, str], str], ...] = (
            ("one partner, --as-of", Question(earlier, known_at), {"partner_id": "P7"}, "0.3 s"),
            ("one partner, --as-of and --known-at", Question(earlier, earlier), {"partner_id": "P7"}, "0.3 s"),
            ("everybody, --as-of", Question(earlier, known_at), {}, "1.5 times positions anew"),
        )
        for what, question, only, bound in asked:
            say(f"positions of {what}", min_of(connection, graph, question, only), bound)


def min_of(connection: duckdb.DuckDBPyConnection, graph: Graph, question: Question, only: Mapping[str, str]) -> Spent:
    """Return what asking takes at least."""
    found = []
    for _ in range(2):
        with measured() as spent:
            ask(connection, graph, [POSITIONS], question, only=only)
            connection.execute("select count(*) from freshness.positions").fetchall()
        found.append(spent)
    return min(found, key=lambda one: one.cpu)


def detail(what: str, spent: Mapping[str, Spent], increments: Increments) -> Spent:
    """Print where the seconds of a turn went, and return those of the timed floors."""
    floors: dict[str, Spent] = defaultdict(Spent)
    for name, one in spent.items():
        add(floors[name.partition(".")[0]], one)
    timed = total(floors[floor] for floor in TIMED_FLOORS)
    print(f"{what}: {', '.join(f'{floor} {one.wall:.2f}/{one.cpu:.2f}' for floor, one in floors.items())}")
    for name, one in sorted(spent.items(), key=lambda item: -item[1].cpu)[:14]:
        if one.cpu > WORTH_SAYING_SECONDS:
            print(f"    {name:40s} {one.wall:7.2f} {one.cpu:7.2f} {increments.versions.records[name].how}")
    return timed


def total(parts: Iterable[Spent]) -> Spent:
    """Add up."""
    result = Spent()
    for part in parts:
        add(result, part)
    return result


def add(result: Spent, part: Spent) -> None:
    """Add one to another."""
    result.wall += part.wall
    result.cpu += part.cpu


def say(what: str, spent: Spent, bound: str = "") -> None:
    """Print one figure, and the bound that it is held against."""
    against = f"  (bound {bound})" if bound else ""
    print(f"{what:60s} {spent.wall:8.2f} s by the clock, {spent.cpu:8.2f} s of processors{against}", flush=True)


def say_ratio(what: str, one: Spent, other: Spent, bound: float) -> None:
    """Print how many times as long one takes as another."""
    print(f"{what:60s} {one.cpu / max(other.cpu, 1e-9):8.2f} times  (bound {bound})", flush=True)
