"""Every kind of authentication over real HTTP: what is sent, when it is fetched anew, and that it is stored nowhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError
from tests.connections.making import NOW, SECRET, Asked, Reply, Server, Tenant

PAGE: dict[str, Any] = {"items": [{"asset_id": "a"}], "next_cursor": None}
DEFAULTS = {"paging": {"kind": "cursor"}}


def stored(tenant: Tenant) -> bytes:
    return b"".join(path.read_bytes() for path in tenant.home.path.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("auth", "secrets", "headers", "query"),
    [
        ({"kind": "bearer"}, {"token": SECRET}, {"authorization": f"Bearer {SECRET}"}, {}),
        ({"kind": "api_key", "header": "X-Key", "prefix": "k "}, {"api_key": SECRET}, {"x-key": f"k {SECRET}"}, {}),
        ({"kind": "api_key", "query": "key"}, {"api_key": SECRET}, {}, {"key": SECRET}),
        (
            {"kind": "basic"},
            {"username": "us", "password": "pa:ss"},
            {"authorization": "Basic dXM6cGE6c3M="},
            {},
        ),
        (
            {"kind": "headers", "headers": {"X-App": "{app}", "X-Key": "v1 {key}"}},
            {"app": "a1", "key": SECRET},
            {"x-app": "a1", "x-key": f"v1 {SECRET}"},
            {},
        ),
    ],
)
def test_what_does_not_change_is_sent_with_every_request(
    tmp_path: Path, auth: dict[str, Any], secrets: dict[str, str], headers: dict[str, str], query: dict[str, str]
) -> None:
    with Server(lambda _: PAGE) as server:
        Tenant(tmp_path, server.url, {"auth": auth, "defaults": DEFAULTS}, secrets=secrets).pull_well()
    (asked,) = server.asked
    assert headers.items() <= asked.headers.items()
    assert asked.query == query


def test_a_key_in_the_query_is_stored_nowhere_even_where_the_source_repeats_it_in_its_links(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        here = f"/v1/assets?key={asked.query['key']}"
        has_more = "page" not in asked.query
        return Reply(
            {"items": [{"asset_id": "a"}], "self": here, "next": f"{here}&page=2" if has_more else None},
            headers={"Link": f"<{here}>"},
        )

    profile = {"auth": {"kind": "api_key", "query": "key"}, "defaults": {"paging": {"kind": "json_link"}}}
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, profile, secrets={"api_key": "s/ec+ret"})
        tenant.pull_well()
    assert server.queries() == [{"key": "s/ec+ret"}, {"page": "2", "key": "s/ec+ret"}]
    pages = str(tenant.pages())
    assert "s/ec+ret" not in pages
    assert "s%2Fec%2Bret" not in pages
    assert "s/ec+ret" not in str(tenant.journal.path.read_text())


def token_server(kind: str, *, seconds: int = 3600, refused: tuple[str, ...] = ()) -> Any:
    count = 0

    def answering(asked: Asked) -> Any:
        nonlocal count
        if asked.path == "/token":
            count += 1
            return {"access_token": f"t{count}", "expires_in": seconds, "refresh_token": f"r{count}"}
        if asked.path == "/login":
            count += 1
            return {"data": {"session": f"t{count}", "ttl": seconds}}
        token = asked.headers["authorization" if kind != "session_token" else "x-session"].removeprefix("Bearer ")
        return Reply({}, status=401) if token in refused else PAGE

    return answering


REFRESH = {"kind": "oauth2_refresh_token", "token_path": "/token", "extra": {"audience": "grid"}}
REFRESH_SECRETS = {"client_id": "us", "client_secret": SECRET, "refresh_token": "r0"}


def test_a_refresh_token_gets_tokens_and_a_new_one_is_used_while_we_run(tmp_path: Path) -> None:
    with Server(token_server("oauth2", refused=("t1",))) as server:
        tenant = Tenant(tmp_path, server.url, {"auth": REFRESH, "defaults": DEFAULTS}, secrets=REFRESH_SECRETS)
        tenant.pull_well()
    first, second = (asked for asked in server.asked if asked.path == "/token")
    assert first.form == {"grant_type": "refresh_token", "refresh_token": "r0", "audience": "grid"}
    assert second.form["refresh_token"] == "r1"
    assert first.basic == f"us:{SECRET}"
    assert SECRET.encode() not in stored(tenant)


SESSION = {
    "kind": "session_token",
    "login_path": "/login",
    "login": {"user": "{username}", "password": "{password}", "app": "vipgrid"},
    "token": "data.session",
    "expires_in": "data.ttl",
    "header": "X-Session",
}


def test_a_session_is_logged_into_once_and_again_when_it_is_refused(tmp_path: Path) -> None:
    secrets = {"username": "us", "password": SECRET}
    with Server(token_server("session_token", refused=("t1",))) as server:
        tenant = Tenant(tmp_path, server.url, {"auth": SESSION, "defaults": DEFAULTS}, secrets=secrets)
        tenant.pull_well()
        tenant.next_turn()
    logins = [asked for asked in server.asked if asked.path == "/login"]
    assert [asked.json for asked in logins] == [{"user": "us", "password": SECRET, "app": "vipgrid"}] * 2
    assert [a.headers.get("x-session") for a in server.asked if a.path != "/login"] == ["t1", "t2"]
    assert SECRET.encode() not in stored(tenant)


@pytest.mark.parametrize("kind", ["session_token", "oauth2_refresh_token"])
def test_a_key_in_a_header_goes_with_the_login_and_with_what_follows_it(tmp_path: Path, kind: str) -> None:
    auth = (SESSION if kind == "session_token" else REFRESH) | {"headers": {"X-Grid-Key": "v1 {grid_key}"}}
    secrets = {**REFRESH_SECRETS, "username": "us", "password": "p w", "grid_key": SECRET}
    with Server(token_server(kind)) as server:
        tenant = Tenant(tmp_path, server.url, {"auth": auth, "defaults": DEFAULTS}, secrets=secrets)
        tenant.pull_well()
    assert [asked.headers["x-grid-key"] for asked in server.asked] == [f"v1 {SECRET}"] * 2
    assert SECRET.encode() not in stored(tenant)


def test_a_secret_of_a_further_header_is_needed(tmp_path: Path) -> None:
    auth = {"kind": "bearer", "headers": {"X-Grid-Key": "{grid_key}"}}
    tenant = Tenant(tmp_path, "http://127.0.0.1:1", {"auth": auth}, secrets={"token": SECRET})
    with pytest.raises(ConfigurationError, match="needs the secret grid_key"):
        tenant.pull()


def test_a_session_is_renewed_before_it_ends(tmp_path: Path) -> None:
    paging = {"kind": "page_number"}
    count = iter(range(100))
    base = token_server("session_token", seconds=0)

    def answering(asked: Asked) -> Any:
        return base(asked) if asked.path == "/login" else {"items": [{"n": 1}] if next(count) < 2 else []}

    secrets = {"username": "us", "password": SECRET}
    with Server(answering) as server:
        Tenant(tmp_path, server.url, {"auth": SESSION, "defaults": {"paging": paging}}, secrets=secrets).pull_well()
    assert len([asked for asked in server.asked if asked.path == "/login"]) == 3


def test_a_form_login_is_a_form(tmp_path: Path) -> None:
    auth = {**SESSION, "send": "form", "prefix": "Session "}
    with Server(token_server("session_token")) as server:
        profile = {"auth": auth, "defaults": DEFAULTS}
        Tenant(tmp_path, server.url, profile, secrets={"username": "us", "password": "p w"}).pull_well()
    assert server.asked[0].form == {"user": "us", "password": "p w", "app": "vipgrid"}
    assert server.asked[1].headers["x-session"] == "Session t1"


def test_a_body_that_says_that_the_token_is_old_gets_a_fresh_one_once(tmp_path: Path) -> None:
    base = token_server("oauth2")

    def answering(asked: Asked) -> Any:
        if asked.path != "/token" and asked.headers["authorization"] == "Bearer t1":
            return {"errors": [{"code": "TOKEN_EXPIRED"}]}
        return base(asked)

    errors = [{"body": {"path": "errors[0].code", "one_of": ["TOKEN_EXPIRED"]}, "do": "refresh_token"}]
    with Server(answering) as server:
        profile = {"auth": REFRESH, "defaults": {**DEFAULTS, "errors": errors}}
        tenant = Tenant(tmp_path, server.url, profile, secrets=REFRESH_SECRETS)
        tenant.pull_well()
    assert [asked.path for asked in server.asked] == ["/token", "/v1/assets", "/token", "/v1/assets"]


def test_a_secret_that_is_missing_is_named(tmp_path: Path) -> None:
    tenant = Tenant(tmp_path, "http://127.0.0.1:1", {"auth": SESSION}, secrets={"username": "us"})
    with pytest.raises(ConfigurationError, match="needs the secret password"):
        tenant.pull()


def test_a_session_may_stand_in_the_query_and_is_stored_nowhere(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        if asked.path == "/login":
            assert not asked.query
            return {"ticket": f"{SECRET}-{len(server.queries('/login'))}"}
        if asked.query.get("ticket") != f"{SECRET}-2":
            return Reply({}, status=401)
        link = f"/v1/assets?ticket={asked.query['ticket']}&page=2"
        return {"items": [{"asset_id": "a"}], "next": None if "page" in asked.query else link}

    auth = {"kind": "session_token", "login_path": "/login", "login": {"u": "us"}, "token": "ticket", "query": "ticket"}
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"auth": auth, "defaults": {"paging": {"kind": "json_link"}}})
        tenant.pull_well()
    assert [asked.path for asked in server.asked] == ["/login", "/v1/assets", "/login", "/v1/assets", "/v1/assets"]
    assert SECRET.encode() not in stored(tenant)


SIGNED = {
    "kind": "hmac",
    "signs": "{method}\n{path}?{query}\n{timestamp}\n{nonce}\n{body_sha256}",
    "headers": {"X-Stamp": "{timestamp}", "X-Nonce": "{nonce}", "Authorization": "HMAC {key_id}:{signature}"},
    "timestamp": "epoch_milliseconds",
}


def signature_of(asked: Asked, url: str, algorithm: str = "sha256") -> bytes:
    """Sign a request as the page of the tenant says, from what arrived."""
    stamp, nonce = asked.headers["x-stamp"], asked.headers["x-nonce"]
    text = f"{asked.method}\n{url}\n{stamp}\n{nonce}\n{hashlib.sha256(asked.body).hexdigest()}"
    return hmac.new(SECRET.encode(), text.encode(), algorithm).digest()


def test_each_request_is_signed_as_it_is_sent_and_the_key_is_not(tmp_path: Path) -> None:
    stream = {
        "query": {"filter[kind]": "a b+c/ü"},
        "paging": {"kind": "cursor", "has_more": "more"},
        "also": [{"method": "POST", "path": "/search", "body": {"q": "ü"}, "paging": {"kind": "single_page"}}],
    }

    def answering(asked: Asked) -> Any:
        return {
            "items": [{"asset_id": "a"}],
            "more": not asked.body and "cursor" not in asked.query,
            "next_cursor": "c/2",
        }

    with Server(answering) as server:
        profile = {"auth": SIGNED, "streams": {"assets": stream}}
        secrets = {"signing_key": SECRET, "key_id": "k-1"}
        tenant = Tenant(tmp_path, server.url, profile, secrets=secrets)
        tenant.pull_well()
    filter_ = "filter%5Bkind%5D=a+b%2Bc%2F%C3%BC"
    urls = [f"/v1/assets?{filter_}", f"/v1/assets?{filter_}&cursor=c%2F2", "/search?"]
    for asked, url in zip(server.asked, urls, strict=True):
        assert asked.headers["authorization"] == f"HMAC k-1:{signature_of(asked, url).hex()}"
        assert asked.headers["x-stamp"] == str(int(NOW.timestamp() * 1000))
    assert len({asked.headers["x-nonce"] for asked in server.asked}) == 3
    assert SECRET not in str([asked.headers for asked in server.asked])


def test_a_signature_may_be_written_otherwise_and_its_key_too(tmp_path: Path) -> None:
    key = base64.b64encode(SECRET.encode()).decode()
    auth = {**SIGNED, "algorithm": "sha512", "encoding": "base64", "key_encoding": "base64"}
    with Server(lambda _: PAGE) as server:
        profile = {"auth": auth, "defaults": DEFAULTS}
        Tenant(tmp_path, server.url, profile, secrets={"signing_key": key, "key_id": "k"}).pull_well()
        (asked,) = server.asked
        said = base64.b64encode(signature_of(asked, "/v1/assets?", "sha512")).decode()
        assert asked.headers["authorization"] == f"HMAC k:{said}"
        wrong = Tenant(tmp_path / "b", server.url, profile, secrets={"signing_key": "no base64!", "key_id": "k"})
        with pytest.raises(ConfigurationError, match="signing_key of connection vip is not base64"):
            wrong.pull()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"headers": {"X": "{timestamp}"}}, "no header has the"),
        ({"signs": "{signature}"}, "cannot have the"),
        ({"headers": {"X": "{signature}{signing_key}"}}, "is not sent: it signs"),
        ({"timestamp": "epoch"}, "it is 'iso'"),
    ],
)
def test_a_signature_that_is_none_is_refused(tmp_path: Path, words: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Tenant(tmp_path, "http://127.0.0.1:9", {"auth": {**SIGNED, **words}}).pull()


def test_a_login_may_have_fields_within_fields_and_answer_with_a_header(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        if asked.path == "/login":
            assert asked.json == {"auth": {"identity": {"user": "us", "keys": [SECRET]}}, "v": "3"}
            return Reply(status=204, headers={"X-Subject-Token": f"{SECRET}-t"})
        return PAGE if asked.headers.get("x-auth-token") == f"{SECRET}-t" else Reply({}, status=401)

    auth = {
        "kind": "session_token",
        "login_path": "/login",
        "login": {"auth.identity.user": "{user}", "auth.identity.keys[0]": "{key}", "v": "3"},
        "token_header": "X-Subject-Token",
        "header": "X-Auth-Token",
    }
    with Server(answering) as server:
        secrets = {"user": "us", "key": SECRET}
        tenant = Tenant(tmp_path, server.url, {"auth": auth, "defaults": DEFAULTS}, secrets=secrets)
        tenant.pull_well()
    assert [asked.path for asked in server.asked] == ["/login", "/v1/assets"]
    assert SECRET.encode() not in stored(tenant)


def test_fields_of_a_login_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    auth = {"kind": "session_token", "login_path": "/login", "login": {"a": "1", "a.b": "2"}}
    with pytest.raises(ConfigurationError, match=r"auth\.login|wrong at auth"):
        Tenant(tmp_path, "http://127.0.0.1:9", {"auth": auth}).pull()
