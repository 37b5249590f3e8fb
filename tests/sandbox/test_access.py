"""Tokens, limits, and the manners of HTTP."""

import base64

import httpx
import pytest

from sandbox.http.access import Limiter, Tokens
from sandbox.http.contract import Contract
from sandbox.http.problems import ProblemError
from sandbox.streams import System
from tests.sandbox.conftest import Sandbox, Starter

GRANT = {"grant_type": "client_credentials"}


def _ask(url: str, **how: object) -> httpx.Response:
    return httpx.request(**({"method": "GET", "url": url, "timeout": 30} | how))  # type: ignore[arg-type]


def test_a_token_is_given_for_credentials_in_the_form_too(sandbox: Sandbox) -> None:
    form = GRANT | {"client_id": "vipgrid", "client_secret": "sandbox-secret"}
    answer = _ask(f"{sandbox.told['vip']}/oauth2/token", method="POST", data=form)
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("secret", ["wrong", "", "sandbox-secret "])
def test_a_wrong_secret_is_refused(secret: str, sandbox: Sandbox) -> None:
    answer = _ask(f"{sandbox.told['vip']}/oauth2/token", method="POST", data=GRANT, auth=("vipgrid", secret))
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "Basic" in answer.headers["www-authenticate"]


def test_credentials_that_are_no_base64_are_refused(sandbox: Sandbox) -> None:
    url = f"{sandbox.told['vip']}/oauth2/token"
    assert _ask(url, method="POST", data=GRANT, headers={"Authorization": "Basic %%%"}).status_code == 401


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic dmlwZ3JpZDpzYW5kYm94LXNlY3JldA==", "Bearer"])
def test_without_a_good_token_nothing_is_served(header: str | None, sandbox: Sandbox) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = _ask(f"{sandbox.told['trading_grid']}/v1/partners", headers=headers)
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("system", ["vip", "trading_grid"])
def test_every_operation_of_the_contract_asks_for_the_token_first(system: System, sandbox: Sandbox) -> None:
    operations = [one for one in Contract(system).operations.values() if not one.is_open]
    assert len(operations) > 10
    for operation in operations:
        url = sandbox.told[system] + operation.path.replace("{", "").replace("}", "")
        for headers in ({}, {"Authorization": "Bearer of-another-time"}):
            answer = _ask(url, method=operation.method.upper(), headers=headers)
            assert answer.status_code == 401, f"{operation.name} answered {answer.status_code}"


def test_a_token_of_one_system_is_none_of_the_other(sandbox: Sandbox) -> None:
    headers = {"Authorization": sandbox.vip.http.headers["Authorization"]}
    assert _ask(f"{sandbox.told['trading_grid']}/v1/partners", headers=headers).status_code == 401


def test_a_token_expires_after_its_hour() -> None:
    ticks = [0.0]
    tokens = Tokens("me", "secret", ticks=lambda: ticks[0])
    token, seconds = tokens.issue("Basic " + base64.b64encode(b"me:secret").decode(), {})
    ticks[0] = seconds - 1
    assert tokens.client_of(f"Bearer {token}") == "me"
    ticks[0] = seconds + 1
    assert tokens.client_of(f"Bearer {token}") is None
    with pytest.raises(ProblemError):
        tokens.issue(None, {"client_id": "me", "client_secret": "other"})


def test_tokens_can_be_made_to_expire_and_asked_for_anew(sandbox: Sandbox) -> None:
    sandbox.vip.desk("tokens/expire", {})
    assert sandbox.vip.get("/v1/assets", limit=1).status_code == 401
    sandbox.vip.sign_in()
    assert sandbox.vip.get("/v1/assets", limit=1).status_code == 200


def test_a_window_allows_its_limit_and_begins_anew() -> None:
    ticks = [100.0]
    limiter = Limiter(2, 10.0, ticks=lambda: ticks[0])
    answers = [limiter.count("me") for _ in range(3)]
    assert [within for within, _ in answers] == [True, True, False]
    assert [headers["RateLimit-Remaining"] for _, headers in answers] == ["1", "0", "0"]
    assert limiter.count("another")[0]
    ticks[0] += 10.0
    assert limiter.count("me")[0]


def test_over_the_limit_the_answer_says_when_to_come_back(fresh: Starter) -> None:
    started = fresh("state", "--history-days", "1", "--rate-limit", "5", "--rate-window", "600")
    answers = [started.vip.get("/v1/assets", limit=1) for _ in range(8)]
    assert [answer.status_code for answer in answers][:5] == [200] * 5
    assert [answer.status_code for answer in answers][5:] == [429] * 3
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 601
    assert answers[0].headers["ratelimit-limit"] == "5"
    assert started.vip.get("/healthz").status_code == 200


def test_health_needs_no_token(sandbox: Sandbox) -> None:
    answer = _ask(f"{sandbox.told['vip']}/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("GET", "/v1/nothing", {}, None, 404),
        ("DELETE", "/v1/assets", {}, None, 405),
        ("HEAD", "/v1/assets", {}, None, 405),
        ("GET", "/v1/assets", {"Accept": "text/html"}, None, 406),
        ("GET", "/v1/assets", {"Accept": "application/json;q=0, text/csv"}, None, 406),
        ("POST", "/v1/reviews", {"Content-Type": "application/json"}, b'{"reason":"' + b"x" * (1 << 20) + b'"}', 413),
        ("POST", "/v1/reviews", {"Content-Type": "text/plain"}, b"{}", 415),
        ("POST", "/v1/reviews", {"Content-Type": "application/json"}, b"{not json", 400),
        ("POST", "/v1/reviews", {"Content-Type": "application/json"}, b'{"asset_id":NaN}', 400),
        ("POST", "/v1/reviews", {"Content-Type": "application/json"}, b'{"asset_id":""}', 422),
        ("GET", "/v1/assets/AS-99999", {}, None, 404),
    ],
)
def test_what_is_not_in_the_contract_is_refused_properly(
    method: str, path: str, headers: dict[str, str], content: bytes | None, status: int, sandbox: Sandbox
) -> None:
    keyed = headers | ({"Idempotency-Key": "manners-of-http"} if method == "POST" else {})
    answer = sandbox.vip.http.request(method, path, headers=keyed, content=content)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "ratelimit-remaining" in answer.headers
    if status == 405:
        assert answer.headers["allow"] == "GET"
