"""The whole way over real HTTP: two systems, positions, notices once, and what happens when somebody pulls the plug."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import read_turns
from tests.end_to_end.system import Sandbox, Terminal, running_sandbox, terminal_for, write_config
from tests.independent_server import server as independent

EVERYTHING_GOES = "notices: {approve_above: {partners: 1000, share: 1.0}, requests_per_second: 50}"
KILLS = 5


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


def terminal(folder: Path, sandbox: Sandbox, name: str = "home", more: str = EVERYTHING_GOES) -> Terminal:
    config = write_config(folder, sandbox.vip, sandbox.trading_grid, clock=sandbox.vip, more=more)
    return terminal_for(folder, config, name)


ABOUT_VERSIONS: Final = ("publish", "version_change", "withdrawal", "expiry")


def keys_posted(sandbox: Sandbox) -> Counter[str]:
    """Our keys of the notices about versions that Trading Grid has; cases have notices of their own."""
    return Counter(
        notice["external_key"]
        for notice in sandbox.notices()
        if notice.get("external_key") and notice["kind"] in ABOUT_VERSIONS
    )


def keys_sent(here: Terminal) -> set[str]:
    query = f"select action_key from sync.actions where kind in {ABOUT_VERSIONS} and state = 'sent'"
    return {key for (key,) in here.rows(query)}


def is_complete(here: Terminal, *, turn: int) -> bool:
    complete = read_turns(Journal(here.home.ledger)).last_complete
    return complete is not None and complete.number >= turn


@pytest.mark.parametrize("seed", [7, 2026])
def test_partners_with_outdated_holdings_are_told_once_and_react(tmp_path: Path, seed: int) -> None:
    with running_sandbox(tmp_path / "sandbox", seed=seed) as sandbox:
        here = terminal(tmp_path, sandbox)
        here.run("sync", "--dispatch")
        early = "select count(*) from sync.notice_decisions where decision = 'sent' and notice_due_at < decided_at"
        assert here.rows(early) == [(0,)], "what was due before the go-live is not announced"
        sandbox.advance(days=7)
        here.run("sync", "--dispatch")
        first = keys_posted(sandbox)
        assert first
        assert set(first.values()) == {1}
        assert first.keys() == keys_sent(here)
        here.run("sync", "--dispatch")
        assert keys_posted(sandbox) == first, "a second sync in the same state tells nobody again"
        sandbox.advance(days=14)
        here.run("sync", "--dispatch")
        assert set(keys_posted(sandbox).values()) == {1}
        answered = here.rows(
            "select count(*) from core.acknowledgments as a join core.notices as n on n.notice_id = a.notice_id"
            " where n.external_key is not null"
        )
        assert answered[0][0] > 0, "some of those who were told have answered"
        assert not sandbox.received()["duplicates"]


def test_a_turn_that_would_tell_too_many_waits_for_a_person(tmp_path: Path, sandbox: Sandbox) -> None:
    here = terminal(
        tmp_path, sandbox, more="notices: {approve_above: {partners: 1, share: 1.0}, requests_per_second: 50}"
    )
    here.run("sync", "--dispatch", codes=(0, 1))
    sandbox.advance(days=7)
    here.run("sync", "--dispatch", codes=(1,))
    assert not keys_posted(sandbox)
    held = {batch for (batch,) in here.rows("select batch from sync.actions where state = 'held_for_approval'")}
    assert "T000002" in held
    for batch in sorted(held):
        here.run("decide", "approve", batch, "--reason", "checked with the brand team")
    here.run("sync", "--dispatch", codes=(0, 1))
    assert keys_posted(sandbox)
    assert set(keys_posted(sandbox).values()) == {1}


def test_killed_at_any_moment_and_run_again_it_ends_in_the_same_tables(tmp_path: Path, sandbox: Sandbox) -> None:
    undisturbed = terminal(tmp_path, sandbox, "undisturbed")
    disturbed = terminal(tmp_path, sandbox, "disturbed")
    for here in (undisturbed, disturbed):
        here.run("sync")
    sandbox.advance(days=6)
    started = time.monotonic()
    undisturbed.run("sync")
    lasts = time.monotonic() - started
    dice = random.Random(3)
    killed = 0
    while killed < KILLS and not is_complete(disturbed, turn=2):
        process = disturbed.start("sync")
        time.sleep(lasts * 0.8 * (killed + dice.random()) / KILLS)
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
    assert killed >= KILLS - 1
    if not is_complete(disturbed, turn=2):
        disturbed.run("sync")
    expected, found = undisturbed.tables(), disturbed.tables()
    assert {name for name in expected if expected[name] != found.get(name)} == set()


def test_killed_while_it_sends_every_notice_goes_out_once(tmp_path: Path, sandbox: Sandbox) -> None:
    here = terminal(
        tmp_path, sandbox, more=EVERYTHING_GOES.replace("requests_per_second: 50", "requests_per_second: 15")
    )
    here.run("sync")
    sandbox.advance(days=7)
    here.run("sync")
    pending = here.rows(f"select count(*) from sync.actions where state = 'pending' and kind in {ABOUT_VERSIONS}")
    assert pending[0][0] > KILLS
    for kill in range(KILLS):
        process = here.start("sync", "--dispatch")
        before = sum(keys_posted(sandbox).values())
        deadline = time.monotonic() + 150
        while sum(keys_posted(sandbox).values()) <= before + kill % 2 and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    here.run("sync", "--dispatch")
    posted = keys_posted(sandbox)
    assert set(posted.values()) == {1}
    assert posted.keys() == keys_sent(here)
    assert len(posted) >= pending[0][0]


def test_a_rebuild_makes_the_same_tables_outbox_and_findings_included(tmp_path: Path, sandbox: Sandbox) -> None:
    here = terminal(tmp_path, sandbox)
    here.run("sync")
    sandbox.advance(days=7)
    here.run("sync", "--dispatch")
    before = here.tables()
    here.home.warehouse.unlink()
    here.run("rebuild")
    after = here.tables()
    assert {name for name in before if before[name] != after.get(name)} == set()
    assert before.keys() == after.keys()
    assert here.rows("select count(*) from audit.findings")[0][0] > 0


def test_after_the_restore_of_a_stale_backup_nothing_is_sent_twice(tmp_path: Path, sandbox: Sandbox) -> None:
    here = terminal(tmp_path, sandbox)
    here.run("sync")
    sandbox.advance(days=7)
    here.run("sync")
    here.run("backup", str(tmp_path / "stale"))
    here.run("sync", "--dispatch")
    first = keys_posted(sandbox)
    assert first
    shutil.rmtree(here.home.path)
    here.run("restore", str(tmp_path / "stale"))
    here.run("sync", "--dispatch")
    assert keys_posted(sandbox) == first
    assert keys_sent(here) == first.keys()


def test_another_server_that_keeps_to_the_contracts_is_synced_just_as_well(tmp_path: Path) -> None:
    contracts = {system: Path("connections") / system / "openapi.yaml" for system in ("vip", "trading_grid")}
    with (
        independent.running(contracts["vip"]) as (vip, _),
        independent.running(contracts["trading_grid"]) as (trading_grid, _),
    ):
        secrets = {"E2E_CLIENT_ID": independent.CLIENT_ID, "E2E_CLIENT_SECRET": independent.CLIENT_SECRET}
        here = terminal_for(tmp_path, write_config(tmp_path, vip, trading_grid), **secrets)
        here.run("sync", "--now", "2026-03-02T08:00:00Z")
        fetched = here.rows("select stream, sum(fetched), sum(quarantined) from ops.pages group by stream")
        assert len(fetched) == 25
        assert all(count > 0 and rejected == 0 for _, count, rejected in fetched), fetched
        assert here.rows("select count(*) from freshness.positions")[0][0] > 0
