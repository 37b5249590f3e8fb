"""Alerts about runs and checks: journalled before and after, and no fuss where nobody wants to be told."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from dagster import DagsterInstance, Definitions, ExecuteInProcessResult

from pipeline.ledger.journal import Journal
from tests.dagster_floor.network import Place, first_error, make_place

SAID: Final = {"subject": "The run of sync failed", "body": "Fetching partners failed: 503."}


class Channel(BaseHTTPRequestHandler):
    """A webhook that keeps what it is sent."""

    heard: Final[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.heard.append(json.loads(self.rfile.read(length)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def channel() -> Iterator[int]:
    Channel.heard.clear()
    with HTTPServer(("127.0.0.1", 0), Channel) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def tell(definitions: Definitions, place: Place, instance: DagsterInstance) -> ExecuteInProcessResult:
    workspace = {"config_path": str(place.config), "home_path": str(place.home.path), "is_attended": True}
    return definitions.resolve_job_def("alert").execute_in_process(
        instance=instance,
        run_config={
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            "ops": {"tell_a_person": {"config": SAID}},
            "resources": {"workspace": {"config": workspace}},
        },
        raise_on_error=False,
    )


def kinds(place: Place) -> list[str]:
    return [entry.kind for entry in Journal(place.home.ledger).entries() if entry.kind.startswith("alert")]


def test_an_alert_reaches_the_channel_and_the_journal(
    definitions: Definitions, tmp_path: Path, instance: DagsterInstance, channel: int
) -> None:
    place = make_place(tmp_path, more=f"alerts: {{url: 'json://127.0.0.1:{channel}/'}}\n")
    result = tell(definitions, place, instance)
    assert result.success, first_error(result)
    (heard,) = Channel.heard
    assert (heard["title"], heard["message"]) == (SAID["subject"], SAID["body"])
    assert kinds(place) == ["alert_decided", "alert_sent"]


def test_without_a_channel_nobody_is_told_and_nothing_fails(
    definitions: Definitions, place: Place, instance: DagsterInstance
) -> None:
    assert tell(definitions, place, instance).success
    assert kinds(place) == []


def test_a_channel_that_is_down_fails_the_alert_without_its_url(
    definitions: Definitions, tmp_path: Path, instance: DagsterInstance
) -> None:
    place = make_place(tmp_path, more="alerts: {url: 'json://secret-token@127.0.0.1:9/'}\n")
    result = tell(definitions, place, instance)
    assert not result.success
    assert "secret-token" not in str(first_error(result))
    assert kinds(place) == ["alert_decided", "alert_failed"]
