"""Everything is pulled from a server that only has the contract in common with the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pipeline.actions.senders import Effect, Result
from pipeline.home import Home
from pipeline.ingest.landed import landed_chunks, last_pulls
from pipeline.ingest.landing import check_chunk, read_lines
from pipeline.ingest.profile import load_profile
from pipeline.ingest.pull import PullOutcome, pull_connection
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import Turn, open_turn
from pipeline.settings import RestConnection, Settings
from pipeline.streams import STREAMS
from resources.rest import RestClient, open_client
from resources.rest_writes import RestSender
from tests.independent_server.server import CLIENT_ID, CLIENT_SECRET, RECORDS_OF_A_STREAM, Contract, System, running

ROOT = Path(__file__).parents[2]
SYSTEMS = ("vip", "trading_grid")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _never_sleep(_seconds: float) -> None:
    """Wait for nothing."""


def _client(name: str, connection: RestConnection, profile: Any) -> RestClient:
    return open_client(name, connection, profile, clock=lambda: NOW, sleep=_never_sleep)


@pytest.fixture
def servers() -> Iterator[tuple[Settings, dict[str, System]]]:
    with ExitStack() as stack:
        connections, systems = {}, {}
        for name in SYSTEMS:
            url, systems[name] = stack.enter_context(running(ROOT / "connections" / name / "openapi.yaml"))
            connections[name] = {
                "kind": "rest",
                "profile": ROOT / "connections" / name / "sandbox.yaml",
                "base_url": url,
                "secrets": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
            }
        yield Settings.model_validate({"connections": connections, "folder": ROOT}), systems


def _pull(settings: Settings, home: Home, turn: Turn, journal: Journal) -> dict[str, PullOutcome]:
    return {name: pull_connection(name, settings, home, journal, turn, client_factory=_client) for name in SYSTEMS}


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_servers_records_keep_to_the_contract(system: str) -> None:
    contract = Contract(ROOT / "connections" / system / "openapi.yaml")
    for stream, schema in contract.streams.items():
        whole = {"components": contract.document["components"], **schema}
        for number in range(RECORDS_OF_A_STREAM):
            jsonschema.Draft202012Validator(whole).validate(contract.record(stream, number))


def test_every_record_of_every_stream_is_landed_as_sent(
    servers: tuple[Settings, dict[str, System]], tmp_path: Path
) -> None:
    settings, systems = servers
    home = Home(tmp_path / "var")
    home.make()
    journal = Journal(home.ledger)
    turn = open_turn(journal, NOW, NOW)

    outcomes = _pull(settings, home, turn, journal)

    assert [outcome.failed for outcome in outcomes.values()] == [{}, {}]
    assert {stream for outcome in outcomes.values() for stream in outcome.pulled} == set(STREAMS)
    landed: dict[str, list[Any]] = {stream: [] for stream in STREAMS}
    for chunk in landed_chunks(journal):
        check_chunk(home.landing, chunk.chunk)
        landed[chunk.stream] += [line["r"] for line in read_lines(home.landing / chunk.file)]
    assert landed == {stream: records for system in systems.values() for stream, records in system.records.items()}
    assert {pull.watermark for pull in last_pulls(journal).values()} == {"2026-03-02T11:00:00.000000Z"}
    assert all(len(system.tokens) > 1 for system in systems.values())


def test_the_next_turn_asks_only_for_what_changed_since_with_an_overlap(
    servers: tuple[Settings, dict[str, System]], tmp_path: Path
) -> None:
    settings, systems = servers
    home = Home(tmp_path / "var")
    home.make()
    journal = Journal(home.ledger)
    _pull(settings, home, open_turn(journal, NOW, NOW), journal)
    systems["vip"].asked.clear()

    _pull(settings, home, Turn(2, NOW, NOW), journal)

    firsts = [path for path in systems["vip"].asked if "cursor" not in path]
    assert firsts
    assert all("changed_since=2026-03-02T10%3A00%3A00.000000Z" in path for path in firsts)


def test_a_notice_posted_twice_under_one_key_is_there_once_and_is_found_by_its_key(
    servers: tuple[Settings, dict[str, System]],
) -> None:
    settings, systems = servers
    systems["trading_grid"].is_friendly = True
    connection = settings.connections["trading_grid"]
    assert isinstance(connection, RestConnection)
    profile = load_profile(connection.profile)
    client = _client("trading_grid", connection, profile)
    sender = RestSender(client, profile)
    payload = {
        "partner_id": "P-1",
        "kind": "publish",
        "asset_id": "AS-1",
        "version_no": "3",
        "subject": "s",
        "body": "b",
    }
    effect = Effect("key-of-the-notice", "post_notice", payload)

    first, second = sender.post(effect), sender.post(effect)
    listing = sender.list_of("post_notice")
    assert listing is not None
    found = sender.look_up(listing, ["key-of-the-notice", "key-of-nothing"])
    client.close()

    assert (first.result, first.is_replay) == (Result.ACCEPTED, False)
    assert (second.result, second.is_replay, second.remote_id) == (Result.ACCEPTED, True, first.remote_id)
    assert found == {"key-of-the-notice": first.remote_id}
    posted = [r for r in systems["trading_grid"].records["notices"] if r["external_key"] == "key-of-the-notice"]
    assert [record["version_no"] for record in posted] == [3]


def test_no_secret_is_left_anywhere(servers: tuple[Settings, dict[str, System]], tmp_path: Path) -> None:
    settings, systems = servers
    home = Home(tmp_path / "var")
    home.make()
    journal = Journal(home.ledger)
    _pull(settings, home, open_turn(journal, NOW, NOW), journal)

    tokens = [token for system in systems.values() for token in system.tokens]
    texts = [journal.path.read_text()]
    for chunk in landed_chunks(journal):
        texts += [json.dumps(line) for line in read_lines(home.landing / chunk.pages_file)]
    assert tokens
    assert not [s for s in (*tokens, CLIENT_SECRET) if any(s in text for text in texts)]
    assert CLIENT_SECRET not in repr(settings)
