"""No secret in any artefact: canaries of every kind of authentication, whole turns, a search through all that is left.

Each connection has an authentication of its own and a source that repeats in every answer whatever it was sent. One
turn goes well; in the next one every source fails in a way of its own. Then everything is read that a turn leaves: what
was printed, tracebacks included, Dagster's storage, journal, landing, warehouse, Parquet, the folders of reports.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard

from pipeline.home import Home
from pipeline.streams import STREAMS
from resources.warehouse import open_for_reading
from tests.cli.network import vipgrid
from tests.faults.server import Answer, Asked, Server, page

CANARY = "canary"
GRANTED = "canary-granted-0815"
SESSION = {
    "kind": "session_token",
    "login_path": "/login",
    "login": {"user": "{user}", "password": "{password}"},
    "token": "token",
    "header": "X-Session",
}
HEADERS = {"kind": "headers", "headers": {"X-App": "{app_key}", "X-Key": "v1 {key}"}}
# Kind of authentication: its words, its secrets' names, the streams that it reads here, how its source fails later.
KINDS: dict[str, tuple[dict[str, Any], tuple[str, ...], tuple[str, ...], str]] = {
    "bearer": ({"kind": "bearer"}, ("token",), ("assets", "grants"), "401"),
    "key_header": ({"kind": "api_key", "header": "X-Key"}, ("api_key",), ("asset_versions",), "login page"),
    "key_query": ({"kind": "api_key", "query": "key"}, ("api_key",), ("segments", "reviews"), "redirect"),
    "basic": ({"kind": "basic"}, ("username", "password"), ("partners",), "500"),
    "headers": (HEADERS, ("app_key", "key"), ("partner_users",), "torn"),
    "client": ({"kind": "oauth2_client_credentials"}, ("client_id", "client_secret"), ("requests",), "no token"),
    "client_body": (
        {"kind": "oauth2_client_credentials", "send": "body"},
        ("client_id", "client_secret"),
        ("issues",),
        "404",
    ),
    "refresh": (
        {"kind": "oauth2_refresh_token"},
        ("client_id", "client_secret", "refresh_token"),
        ("comments",),
        "errors",
    ),
    "session": (SESSION, ("user", "password"), ("notices",), "link"),
}


def canary(kind: str, name: str) -> str:
    # Who we are is no secret.
    return f"we-{kind}" if name in {"client_id", "username", "user"} else f"{CANARY}-{kind}/{name}+4711"


def repeated(asked: Asked) -> dict[str, Any]:
    """Give back everything that came, in several spellings."""
    authorization = asked.headers.get("authorization", "").removeprefix("Basic ")
    return {"headers": asked.headers, "query": asked.query, "body": asked.body.decode(), "basic": authorization}


class Source:
    """One connection's source: ``well`` = it answers, though it tells all it hears; ``lasting`` = it fails for good."""

    def __init__(self, kind: str) -> None:
        self.kind, self.state = kind, "well"
        self.server = Server(self.answer)
        self.heard: list[str] = []

    def answer(self, asked: Asked) -> Answer:
        told = repeated(asked)
        self.heard.append(json.dumps(told))
        how = "well" if self.state == "well" else KINDS[self.kind][3]
        if self.state == "lasting":
            how = {"500": "404", "torn": "errors"}.get(how, how)
        echo = {"X-Told": json.dumps(told)[:3000], "Location": f"http://127.0.0.2/?{json.dumps(told)[:900]}"}
        if asked.path in {"/oauth2/token", "/login"}:
            if how == "no token":
                return Answer(json.dumps(told).encode(), "400 No", echo)
            return page({"access_token": GRANTED, "token": GRANTED, "refresh_token": f"{GRANTED}-again", **told})
        bad = {
            "401": Answer(json.dumps(told).encode(), "401 No", echo),
            "login page": Answer(f"<html>{told}</html>".encode(), kind="text/html", headers=echo),
            "redirect": Answer(b"", "302 Found", echo),
            "500": Answer(json.dumps(told).encode(), "500 Oops", echo),
            "torn": Answer(json.dumps(told).encode()[:-1], headers=echo),
            "404": Answer(json.dumps(told).encode(), "404 No", echo),
            "errors": page({"items": [], "errors": [told]}),
            "link": page({"items": [], "next": f"http://127.0.0.2/?{asked.headers.get('x-session')}"}),
        }
        stream = asked.path.rpartition("/")[2]
        keys = dict.fromkeys(STREAMS[stream].key, "1") if stream in STREAMS else {}
        good = page(
            {"items": [{**keys, "name": str(told), "title": str(told), "told": told}], "next": None, "told": told}
        )
        return bad.get(how, Answer(good.body, headers={"X-Told": echo["X-Told"]}))


@pytest.fixture(scope="module")
def sources() -> Iterator[dict[str, Source]]:
    with ExitStack() as stack:
        sources = {kind: Source(kind) for kind in KINDS}
        for source in sources.values():
            stack.enter_context(source.server)
        yield sources


def write_config(folder: Path, sources: Mapping[str, Source]) -> tuple[Path, dict[str, str]]:
    environment: dict[str, str] = {}
    connections: dict[str, Any] = {}
    for kind, (auth, names, streams, _) in KINDS.items():
        profile = {
            "auth": auth,
            "limits": {"attempts": 2, "requests_per_second": 1000},
            "defaults": {"paging": {"kind": "json_link"}},
        }
        (folder / f"{kind}.yaml").write_text(yaml.safe_dump(profile))
        variables = {name: f"T_{kind}_{name}".upper() for name in names}
        environment |= {variable: canary(kind, name) for name, variable in variables.items()}
        connections[kind] = {
            "kind": "rest",
            "profile": f"{kind}.yaml",
            "base_url": sources[kind].server.url,
            "streams": list(streams),
            "secrets": {name: f"${{{variable}}}" for name, variable in variables.items()},
        }
    config = folder / "vipgrid.yaml"
    config.write_text(yaml.safe_dump({"connections": connections}))
    return config, environment


def readable(path: Path) -> bytes:
    """Return a file's bytes, and what is packed in them."""
    data = path.read_bytes()
    if path.name.endswith(".zst"):
        data += zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    if path.suffix == ".parquet":
        columns = pq.read_table(path).columns
        data += str([own.to_pylist() for own in columns if not pa.types.is_timestamp(own.type)]).encode()
    return data


def rows_of(home: Home) -> bytes:
    """Return every row of the warehouse as text."""
    with open_for_reading(home) as connection:
        names = connection.sql("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        return "\n".join(
            str(connection.sql(f"select t::varchar from {name} t").fetchall()) for (name,) in names
        ).encode()


def test_no_secret_is_left_anywhere_after_turns_that_went_well_and_turns_that_failed(
    tmp_path: Path, sources: dict[str, Source]
) -> None:
    config, environment = write_config(tmp_path, sources)
    home = Home(tmp_path / "home")
    printed: list[str] = []

    def run(*words: str, debug: bool = False) -> None:
        more = {"VIPGRID_DEBUG": "1"} if debug else {}
        done = vipgrid(*words, "--config", config, "--home", home.path, environment={**environment, **more})
        printed.extend((done.stdout, done.stderr))

    run("sync", "--now", "2026-03-02T08:00:00Z")
    assert (home.published / "latest").exists(), printed
    rows = rows_of(home)
    for state in ("lasting", "failing"):
        for source in sources.values():
            source.state = state
        run(*{"lasting": ("sync", "--now", "2026-03-03T08:00:00Z"), "failing": ("connect", "check")}[state], debug=True)
    run("status", "--json")

    secrets = [canary(kind, name) for kind, (_, names, _, _) in KINDS.items() for name in names]
    assert {s for s in secrets if s.startswith(CANARY)} <= {s for s in secrets if any(s in h for h in heard(sources))}
    basic = base64.b64encode(f"{canary('basic', 'username')}:{canary('basic', 'password')}".encode())
    searched = 0
    files = [path for path in home.path.rglob("*") if path.is_file()]
    artefacts = {str(path): readable(path) for path in files}
    artefacts |= {"printed": "\n".join(printed).encode(), "warehouse": rows}
    for name, data in artefacts.items():
        searched += len(data)
        for word in (CANARY.encode(), basic, base64.b64encode(b"we-client:" + CANARY.encode())[:20]):
            assert word not in data, f"{name}: {data[max(0, data.find(word) - 200) : data.find(word) + 60]!r}"
    assert "Traceback" in printed[3]
    assert "was answered with 500" in printed[4]
    assert "it is not one whole JSON text" in printed[4]
    assert any(name.endswith(".db") for name in artefacts), "Dagster's storage is among them"
    assert b"***" in rows, "what the sources repeated has landed, without what was secret in it"
    assert searched > 100_000
    failed = [
        entry for entry in artefacts[str(home.ledger / "journal.ndjson")].splitlines() if b"stream_failed" in entry
    ]
    assert failed


def heard(sources: Mapping[str, Source]) -> list[str]:
    """Return what the sources heard, so that it is known that every secret was used."""
    told = [text.replace("%2F", "/").replace("%2B", "+") for source in sources.values() for text in source.heard]
    decoded = []
    for text in told:
        try:
            decoded.append(base64.b64decode(json.loads(text)["basic"]).decode().replace("%2F", "/").replace("%2B", "+"))
        except (ValueError, KeyError):
            continue
    return told + decoded
