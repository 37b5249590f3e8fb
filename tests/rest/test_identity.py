"""Who we are: tokens are fetched, renewed, and never shown."""

from __future__ import annotations

import base64
import logging
import traceback

import pytest

from pipeline.errors import ConfigurationError, SourceError
from tests.rest.making import SECRET, client, oauth
from tests.rest.scripted import Scripted, Step, answer

PAGE = answer(b'{"items": []}')


def token(name: str, seconds: int = 3600) -> Step:
    return answer(f'{{"access_token": "{name}", "token_type": "Bearer", "expires_in": {seconds}}}'.encode())


def test_a_token_is_fetched_once_and_borne_by_every_request() -> None:
    with Scripted([token("t1"), PAGE]) as server:
        opened = oauth(server.url)
        opened.get("/v1/assets", (), what="assets")
        opened.get("/v1/grants", (), what="grants")
        opened.close()
    assert [asked.line.split()[1] for asked in server.asked] == ["/oauth2/token", "/v1/assets", "/v1/grants"]
    basic = base64.b64encode(f"us:{SECRET}".encode()).decode()
    assert server.asked[0].headers["authorization"] == f"Basic {basic}"
    assert server.asked[0].body == b"grant_type=client_credentials"
    assert [asked.headers["authorization"] for asked in server.asked[1:]] == ["Bearer t1", "Bearer t1"]


def test_trading_grids_own_token_service_gets_the_grant_type_in_the_query() -> None:
    auth = {
        "kind": "oauth2_client_credentials",
        "token_path": "/v1/oauth2/tokens",
        "grant_in": "query",
        "send": "body",
        "lifetime": "10h",
    }
    with Scripted([answer(b'{"access_token": "t"}'), PAGE]) as server:
        opened = client(server.url, secrets={"client_id": "us", "client_secret": "s"}, auth=auth)
        opened.get("/v1/assets", (), what="assets")
        opened.close()
    assert server.asked[0].line == "POST /v1/oauth2/tokens?grant_type=client_credentials HTTP/1.1"
    assert server.asked[0].body == b"client_id=us&client_secret=s"


def test_a_token_that_ends_between_two_pages_is_fetched_again() -> None:
    with Scripted([token("t1"), PAGE, answer(b"{}", "401 No"), token("t2"), PAGE]) as server:
        opened = oauth(server.url)
        opened.get("/v1/assets", (), what="assets")
        opened.get("/v1/assets", (("cursor", "2"),), what="assets")
        opened.close()
    assert [asked.headers["authorization"] for asked in server.asked[-1:]] == ["Bearer t2"]


def test_a_token_is_renewed_before_it_ends() -> None:
    with Scripted([token("t1", 0), PAGE, token("t2"), PAGE]) as server:
        opened = oauth(server.url)
        opened.get("/v1/assets", (), what="assets")
        opened.get("/v1/assets", (), what="assets")
        opened.close()
    assert server.asked[-1].headers["authorization"] == "Bearer t2"


def test_a_source_that_refuses_every_token_is_not_asked_for_ever() -> None:
    steps = [token("t1"), answer(b"{}", "401 No"), token("t2"), answer(b"{}", "401 No")]
    with Scripted(steps) as server, pytest.raises(SourceError, match="401: check the secrets"):
        oauth(server.url).get("/v1/assets", (), what="assets")
    assert len(server.asked) == 4


def test_a_wrong_secret_is_said_in_one_sentence_without_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Scripted([answer(b'{"error": "invalid_client"}', "401 No")]) as server:
        opened = oauth(server.url)
        with pytest.raises(SourceError) as caught:
            opened.get("/v1/assets", (), what="assets")
        opened.close()
    assert str(caught.value) == (
        f"Asking for a token at vip ({server.url}/oauth2/token) was refused with 401: "
        "check the secrets of connection vip, and 'auth' in its profile."
    )
    assert not caught.value.is_transient
    everything = "".join(traceback.format_exception(caught.value)) + repr(opened) + caplog.text
    assert SECRET not in everything
    assert base64.b64encode(f"us:{SECRET}".encode()).decode() not in everything


@pytest.mark.parametrize("body", [b"{}", b'{"access_token": 5}', b'{"access_token": "a\\nb"}', b"[]"])
def test_a_token_that_is_none_is_refused(body: bytes) -> None:
    with Scripted([answer(body)]) as server, pytest.raises(SourceError, match="was given is none"):
        oauth(server.url).get("/v1/assets", (), what="assets")


def test_an_api_key_goes_into_the_header_that_the_profile_names() -> None:
    with Scripted([PAGE]) as server:
        opened = client(server.url, secrets={"api_key": "k"}, auth={"kind": "api_key", "header": "X-Tenant-Key"})
        opened.get("/v1/assets", (), what="assets")
        opened.close()
    assert server.asked[0].headers["x-tenant-key"] == "k"


def test_a_missing_or_mangled_secret_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match="needs the secret token"):
        client("http://127.0.0.1:1", auth={"kind": "bearer"})
    with pytest.raises(ConfigurationError, match="cannot be sent"):
        client("http://127.0.0.1:1", auth={"kind": "bearer"}, secrets={"token": "a\nb"})
