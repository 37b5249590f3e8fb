"""Every fault of HTTP, through the client into the tables: what passes does no harm, what stays is told and counts not.

One tenant lives through all of them, a turn each: the first turn is undisturbed, and each later one reads the same
records again, so that whatever a fault loses, doubles or changes is seen in its turn's figures. What is not here:

    connection refused; slow drip, in headers and body; deadlines      tests/rest/test_reads.py
    self-signed, expired and wrong-host certificates                    tests/rest/test_tls.py
    tokens that expire, are refused, cannot be renewed                  tests/rest/test_identity.py
    the same for refresh tokens and sessions                            tests/connections/test_auth.py
    200 with ``errors[]`` that the profile explains; 413; 404 ignored   tests/connections/test_answers.py
    dropped and lying answers to writes                                 tests/actions/test_dispatch_storms.py
    storms of 1 to 100 %, random orders of all of these                 tests/faults/test_random.py
    a source that is down, patience with it                             tests/rest/test_patience.py
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connections.making import Tenant
from tests.faults.http import FAULT_OF, FAULTS, LASTING, PASSING, Fault
from tests.faults.lived import Computed, Lived
from tests.faults.server import Asked, Send, Server
from tests.faults.shapes import SHAPE_OF, Truth, raw

RECORDS = 10
SPOILED = 2
TWICE = 2


class Strikes:
    """Strikes the second page: so many times, or for ever."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.left = 0
        self.seen: list[str] = []

    def __call__(self, asked: Asked) -> Send | None:
        if asked.place not in self.seen:
            self.seen.append(asked.place)
        if self.fault is None or self.left == 0 or self.seen.index(asked.place) + 1 != SPOILED:
            return None
        self.left -= 1
        return self.fault.send

    def arm(self, fault: Fault | None, times: int) -> None:
        self.fault, self.left, self.seen = fault, times, []


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lived, Computed]]:
    truth, strikes = Truth([raw(n) for n in range(RECORDS)]), Strikes()
    shape = SHAPE_OF["cursor"]
    folder = tmp_path_factory.mktemp("lived")
    with Server(lambda asked: shape.answering(truth, asked), strikes) as server:
        profile = {"defaults": shape.stream, "limits": {"max_body_bytes": 1_000_000}}
        lived = Lived(Tenant(folder, server.url, profile))

        def turn(name: str, fault: Fault | None, times: int) -> None:
            strikes.arm(fault, times)
            before = len(server.asked)
            lived.pull(name)
            lived.asked[name] = len(server.asked) - before

        turn("undisturbed", None, 0)
        for fault in FAULTS:
            lived.tenant.next_turn()
            if fault.passes:
                turn(f"passing {fault.name}", fault, TWICE)
                lived.tenant.next_turn()
            turn(f"staying {fault.name}", fault, 1000)
            turn(f"after {fault.name}", None, 0)
        yield lived, lived.computed()


@pytest.mark.parametrize("name", [fault.name for fault in PASSING])
def test_what_passes_does_no_harm(lived: tuple[Lived, Computed], name: str) -> None:
    life, _ = lived
    assert life.outcomes[f"passing {name}"].failed == {}
    assert life.landed(f"passing {name}") == life.landed("undisturbed")
    assert life.asked[f"passing {name}"] == life.asked["undisturbed"] + TWICE


@pytest.mark.parametrize("name", list(FAULT_OF))
def test_what_stays_fails_the_stream_in_one_sentence_and_nothing_of_it_counts(
    lived: tuple[Lived, Computed], name: str
) -> None:
    life, _ = lived
    said = life.failure(f"staying {name}")
    assert FAULT_OF[name].said in said
    assert said.startswith("Fetching assets from vip (http://127.0.0.1")
    assert said.endswith((".", "?"))
    assert "\n" not in said
    assert len(said) < 400
    assert life.outcomes[f"staying {name}"].failed["assets"].is_transient == (
        FAULT_OF[name].passes or "asks to wait" in said
    )
    # The first page and the tries: as many as may help, and no more.
    assert life.asked[f"staying {name}"] == 1 + (4 if FAULT_OF[name].passes else 1)


@pytest.mark.parametrize("name", list(FAULT_OF))
def test_a_stream_that_failed_is_read_whole_when_the_source_is_well_again(
    lived: tuple[Lived, Computed], name: str
) -> None:
    life, computed = lived
    assert life.landed(f"after {name}") == life.landed("undisturbed")
    turn = computed.of_turn(life.turns[f"after {name}"])
    assert (turn["fetched"], turn["duplicates"]) == (RECORDS, RECORDS)


def test_after_all_of_them_the_tables_are_those_of_the_undisturbed_turn(lived: tuple[Lived, Computed]) -> None:
    life, computed = lived
    assert computed.is_exact()
    assert computed.core == {f"A-{n:04d}": (f"Poster {n}", computed.core[f"A-{n:04d}"][1]) for n in range(RECORDS)}
    assert [row[1] for row in computed.history] == [1] * RECORDS
    turns = {scope["turn_no"] for scope in computed.scopes if scope["scope"] == "run"}
    assert turns == set(life.turns.values())
    assert len(turns) == 1 + len(FAULTS) + len(PASSING)
    assert len(LASTING) + len(PASSING) == len(FAULTS)
