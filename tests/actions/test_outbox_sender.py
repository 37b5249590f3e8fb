"""The doors to the outside: who has one, and that the owners' channel keeps its secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import msgspec
import pytest
from pydantic import SecretStr

from pipeline.actions.senders import Effect, Result
from pipeline.errors import ConfigurationError
from pipeline.ingest.profile import Profile
from pipeline.settings import RestConnection, Settings
from resources.alerts import AlertSender
from resources.outbox_sender import SystemWaiter, open_senders
from resources.rest import RestClient, make_client

PROFILE = """
auth: {kind: none}
defaults: {path: "/v1/{stream}", records: items, paging: {kind: single_page}}
"""
WRITES = """
writes:
  post_notice: {method: POST, path: /v1/notices, key_field: external_key, id: notice_id}
"""


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@contextmanager
def webhook(status: str = "200 OK") -> Iterator[tuple[int, list[bytes]]]:
    """Serve one address that keeps what it is sent."""
    bodies: list[bytes] = []

    def app(environ: dict[str, str], start_response: object) -> list[bytes]:
        bodies.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))  # type: ignore[attr-defined]
        start_response(status, [("Content-Type", "text/plain")])  # type: ignore[operator]
        return [b"ok"]

    with make_server("127.0.0.1", 0, app, handler_class=QuietHandler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port, bodies
        finally:
            server.shutdown()
            thread.join()


def alert(owner: str | None = "olga@example.com") -> Effect:
    return Effect("key", "alert", {"owner": owner, "subject": "3 notices wait", "body": "Approve them."})


def test_an_alert_reaches_the_channel() -> None:
    with webhook() as (port, bodies):
        outcome = AlertSender(SecretStr(f"json://127.0.0.1:{port}/alerts/{{owner}}")).post(alert())

    assert outcome.result is Result.ACCEPTED
    assert msgspec.json.decode(bodies[0])["title"] == "3 notices wait"


def test_a_channel_that_refuses_leaves_the_alert_to_be_sent_again_and_tells_no_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with webhook("500 No") as (port, _):
        sender = AlertSender(SecretStr(f"json://olga:CANARY@127.0.0.1:{port}/"))
        outcome = sender.post(alert())

    assert outcome.result is Result.UNKNOWN
    assert "CANARY" not in f"{sender!r} {outcome} {caplog.text}"


def test_an_asset_without_owner_is_said_where_the_channel_needs_one() -> None:
    outcome = AlertSender(SecretStr("json://127.0.0.1:1/{owner}")).post(alert(None))

    assert outcome.result is Result.REJECTED
    assert "name one there" in (outcome.error or "")


def test_an_owner_cannot_change_the_address() -> None:
    sender = AlertSender(SecretStr("json://127.0.0.1:1/{owner}"))

    for owner in ("../x", "evil@example.com?to=x", "a@b/c", "a b", "x#", "a@b&host=evil", ""):
        assert sender.post(alert(owner)).result is Result.REJECTED


def test_an_address_that_no_channel_knows_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigurationError, match=r"alerts\.url") as refused:
        AlertSender(SecretStr("nonsense://CANARY"))

    assert "CANARY" not in str(refused.value)


def test_only_a_connection_that_can_write_is_a_door(tmp_path: Path) -> None:
    (tmp_path / "reads.yaml").write_text(PROFILE)
    (tmp_path / "writes.yaml").write_text(PROFILE + WRITES)
    settings = Settings.model_validate(
        {
            "connections": {
                "vip": {"kind": "rest", "profile": "reads.yaml", "base_url": "http://127.0.0.1:1"},
                "trading_grid": {"kind": "rest", "profile": "writes.yaml", "base_url": "http://127.0.0.1:1"},
            },
            "alerts": {"url": "json://127.0.0.1:1"},
            "folder": tmp_path,
        }
    )
    with open_senders(settings) as senders:
        assert sorted(senders) == ["owner", "trading_grid"]

    files = {"trading_grid": {"kind": "files", "path": "x"}}
    with open_senders(Settings.model_validate({"connections": files})) as senders:
        assert senders == {}


def test_real_time_goes_on_while_one_waits() -> None:
    waiter = SystemWaiter()
    before = waiter.elapsed_seconds()
    waiter.wait(0.01)

    assert waiter.elapsed_seconds() - before >= 0.01


@pytest.mark.parametrize(("own", "asked"), [(20.0, 4.0), (3.0, 3.0)])
def test_every_request_of_a_target_counts_in_its_rate(tmp_path: Path, own: float, asked: float) -> None:
    profile = f"{PROFILE}limits: {{requests_per_second: {own:g}}}\n{WRITES}"
    (tmp_path / "profile.yaml").write_text(profile, encoding="utf-8")
    settings = Settings.model_validate(
        {
            "connections": {"vip": {"kind": "rest", "profile": "profile.yaml", "base_url": "http://127.0.0.1:1"}},
            "targets": {"vip": {"requests_per_second": 4}},
            "folder": tmp_path,
        }
    )
    rates: list[float] = []

    def client(name: str, connection: RestConnection, profile: Profile) -> RestClient:
        rates.append(profile.limits.requests_per_second)
        return make_client(name, connection, profile)

    with open_senders(settings, client_factory=client):
        assert rates == [asked]
