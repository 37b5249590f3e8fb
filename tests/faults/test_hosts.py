"""No byte leaves for a host that is not the connection's: witnesses listen wherever a source may want to send us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.connections.making import SECRET, Tenant
from tests.faults.server import Answer, Asked, Server, page
from tests.faults.shapes import raw

PAGE: dict[str, Any] = {"items": [], "next": None, "next_cursor": None}


@dataclass
class Witnesses:
    """Listeners that must never hear anything: on another port of our host, and on another host."""

    neighbour: Server
    stranger: Server

    @property
    def heard(self) -> int:
        return self.neighbour.connections + self.stranger.connections


@pytest.fixture
def witnesses() -> Iterator[Witnesses]:
    with ExitStack() as stack:
        servers = [Server(lambda _: page(PAGE), host=host) for host in ("127.0.0.1", "127.0.0.2")]
        yield Witnesses(*(stack.enter_context(server) for server in servers))


LINKS = (
    "http://127.0.0.1:{near}/v1/assets?page=2",
    "http://127.0.0.2:{far}/v1/assets?page=2",
    "//127.0.0.2:{far}/v1/assets",
    "///127.0.0.2:{far}/v1/assets",
    "HTTP://127.0.0.2:{far}/v1/assets",
    "https://127.0.0.2:{far}/v1/assets",
    "x:@127.0.0.2:{far}/v1/assets",
    "a+b.c-d:@127.0.0.2:{far}/",
    "mailto:x@127.0.0.2:{far}/",
    "http:@127.0.0.2:{far}/v1/assets",
    "http:/\\127.0.0.2:{far}/",
    "http://127.0.0.1:{own}@127.0.0.2:{far}/v1/assets",
    "http://user:pass@127.0.0.1:{own}/v1/assets",
    "http://127.0.0.1:{own}\\@127.0.0.2:{far}/v1/assets",
    "http://127.0.0.2:{far}\\@127.0.0.1:{own}/v1/assets",
    "http://127.0.0.1:{own}%40127.0.0.2:{far}/v1/assets",
    "http://127.0.0.1:{own}\t@127.0.0.2:{far}/v1/assets",
    "http://127.0.0.2:{far}#@127.0.0.1:{own}/v1/assets",
    "http://127.0.0.2:{far}?@127.0.0.1:{own}/v1/assets",
    "http://2130706434:{far}/v1/assets",
    "http://0x7f000002:{far}/v1/assets",
    "http://[::ffff:127.0.0.2]:{far}/v1/assets",
    "http://[::1",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:-1/",
    "http://\u2460\u2461\u2466.0.0.2:{far}/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "gopher://127.0.0.2:{far}/_GET",
    "http://169.254.169.254/latest/meta-data/",
)


def filled(link: str, server: Server, witnesses: Witnesses) -> str:
    return link.format(own=server.port, near=witnesses.neighbour.port, far=witnesses.stranger.port)


@pytest.mark.parametrize("where", ["body", "Link", "Next-Url"])
@pytest.mark.parametrize("link", LINKS)
def test_a_next_link_leads_nowhere_else(tmp_path: Path, witnesses: Witnesses, link: str, where: str) -> None:
    paging = {"body": {"kind": "json_link"}, "Link": {"kind": "header_link"}}.get(
        where, {"kind": "header_link", "header": where}
    )

    def answering(_: Asked) -> Answer:
        if len(server.asked) > 1:
            return page(PAGE)
        target = filled(link, server, witnesses)
        if where == "body":
            return page({**PAGE, "next": target})
        spelled = target.encode().decode("latin-1")
        return page(PAGE, **{where: f'<{spelled}>; rel="next"' if where == "Link" else spelled})

    auth = {"kind": "headers", "headers": {"X-Api-Key": "{key}", "Authorization": "Bearer {key}"}}
    with Server(answering) as server:
        profile = {"auth": auth, "defaults": {"paging": paging}}
        tenant = Tenant(tmp_path, server.url, profile, secrets={"key": SECRET})
        failed = tenant.pull().failed
    assert witnesses.heard == 0
    # Whatever is asked of our own host after all bears our own secret, and nothing that the link had in it.
    assert all(asked.headers["authorization"] == f"Bearer {SECRET}" for asked in server.asked)
    if failed:
        said = str(failed["assets"])
        assert "next" in said
        assert "\n" not in said
    else:
        assert len(server.asked) == 2


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Keep", "308 Keep"])
@pytest.mark.parametrize("path", ["/v1/assets", "/oauth2/token", "/login"])
def test_a_redirect_leads_nowhere(tmp_path: Path, witnesses: Witnesses, status: str, path: str) -> None:
    def answering(asked: Asked) -> Answer:
        if asked.path == path:
            location = f"http://127.0.0.2:{witnesses.stranger.port}{path}"
            return Answer(b"{}", status).with_headers(Location=location, Refresh=f"0; url={location}")
        return page({"access_token": "t", "session": "t", **PAGE})

    session = {"kind": "session_token", "login_path": "/login", "login": {"p": "{client_secret}"}, "token": "session"}
    auth = session if path == "/login" else {"kind": "oauth2_client_credentials"}
    with Server(answering) as server:
        profile = {"auth": auth, "defaults": {"paging": {"kind": "cursor"}}}
        tenant = Tenant(tmp_path, server.url, profile, secrets={"client_id": "us", "client_secret": SECRET})
        assert f"redirect ({status[:3]}), which is never followed" in tenant.error()
    assert witnesses.heard == 0


def test_neither_a_proxy_of_the_environment_nor_a_cookie_takes_us_elsewhere(
    tmp_path: Path, witnesses: Witnesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, witnesses.stranger.url)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login thief password thief\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    answer = page({**PAGE, "items": [{"asset_id": "a"}]}).with_headers(
        Set_Cookie="s=1; Domain=127.0.0.2", Alt_Svc=f'h2="127.0.0.2:{witnesses.stranger.port}"'
    )
    with Server(lambda _: answer) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {"paging": {"kind": "cursor"}}})
        tenant.pull_well()
    assert witnesses.heard == 0
    assert "authorization" not in server.asked[0].headers


def test_a_path_of_a_profile_leads_nowhere_else(tmp_path: Path, witnesses: Witnesses) -> None:
    stream = {"path": f"@127.0.0.2:{witnesses.stranger.port}/v1/assets", "paging": {"kind": "single_page"}}
    with Server(lambda _: page({"items": [raw(1).decode()]})) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": stream})
        assert "another origin" in tenant.error()
    assert witnesses.heard == 0
