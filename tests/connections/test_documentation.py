"""docs/profiles.md: its example works against the API that it describes, and every block of it is a profile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from pipeline.ingest import profile_reference, streams_reference
from pipeline.ingest.nested import cut_records
from pipeline.ingest.profile import Profile, load_profile
from pipeline.ingest.profile_stream import StreamProfile
from pipeline.ingest.profile_writes import OPERATIONS
from pipeline.settings import Settings
from tests.connections.making import Asked, Reply, Server, Tenant
from tests.rest.conftest import fast_retries

__all__ = ["fast_retries"]

PAGES = Path(__file__).parents[2] / "docs"
CONTRACTS = PAGES.parent / "connections"
PAGE = (PAGES / "profiles.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
EXAMPLE = "".join(block for block in BLOCKS[2:5])


def test_the_reference_is_what_the_types_say() -> None:
    page = profile_reference.FILE.read_text(encoding="utf-8")
    assert page == profile_reference.reference_text(), "run python -m pipeline.ingest.profile_reference"


def test_the_page_of_streams_is_what_the_catalog_and_the_contracts_say() -> None:
    page = streams_reference.FILE.read_text(encoding="utf-8")
    assert page == streams_reference.streams_text(), "run python -m pipeline.ingest.streams_reference"


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for part in getattr(annotation, "__args__", ()):
        yield from _models(part)


def test_every_word_has_its_meaning_in_the_reference() -> None:
    page = profile_reference.reference_text()
    for model in set(_models(Profile)):
        for word, field in model.model_fields.items():
            if word != "kind":
                assert field.description, f"{model.__name__}.{word}"
                assert f"| `{field.alias or word}` |" in page, f"{model.__name__}.{word}"


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS[5:] if block.startswith(("auth:", "streams:", "defaults:"))]
)
def test_every_recipe_is_a_profile(tmp_path: Path, block: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(block)
    load_profile(path)


def _recipe(stream: str) -> StreamProfile:
    """Return the first recipe for a stream that has lists in lists."""
    found = [yaml.safe_load(block) for block in BLOCKS if "nested:" in block and f"  {stream}:" in block]
    return Profile.model_validate(found[0]).of_stream(stream)


def test_the_recipe_of_records_in_records_gives_the_record_that_the_page_says() -> None:
    (page,) = re.findall(r"```json\n([^`]*\"downloads\"[^`]*)```", PAGE, re.DOTALL)
    found = cut_records(page.encode(), _recipe("access_events")).records(_recipe("access_events"))
    (said,) = re.findall(r"The record that lands is `(.*?)`", PAGE)
    assert found == [said.encode()]


def test_the_recipe_of_records_by_their_ids_gives_whole_records() -> None:
    (page,) = re.findall(r"Of `(\{.*?\})`, each text is a member", PAGE, re.DOTALL)
    found = cut_records(page.encode(), _recipe("group_members")).records(_recipe("group_members"))
    assert found == [b'{"joined_at":"2026-03-02T08:00:00Z","group_id":"G1","partner_id":"P%d"}' % n for n in (1, 2)]


WRITES = PAGES / "writes.md"
OPERATION = re.compile(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", re.MULTILINE)


def _operations(system: str) -> dict[str, set[str]]:
    """Return what the contract takes: operation to its fields, those of the path with them."""
    contract = yaml.safe_load((CONTRACTS / system / "openapi.yaml").read_text(encoding="utf-8"))
    found = {}
    for path, methods in contract["paths"].items():
        for method in {"post", "put", "patch"} & methods.keys():
            content = methods[method]["requestBody"]["content"].get("application/json")
            if content is None:
                continue
            name = re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", methods[method]["operationId"])
            schema = contract["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            found[name] = {*schema["properties"], *re.findall(r"{(\w+)}", path)}
    return found


def test_the_page_of_writes_has_every_operation_of_the_contracts_and_no_field_that_they_lack() -> None:
    rows = OPERATION.findall(WRITES.read_text(encoding="utf-8"))
    for system in ("vip", "trading_grid"):
        known = _operations(system)
        told = {name: set(re.findall(r"`(\w+)`", fields)) for name, of, fields in rows if of == system}
        assert told.keys() == known.keys()
        for name, fields in told.items():
            assert fields <= known[name], name
            assert fields == {*OPERATIONS[name]}, name


def test_the_examples_of_writes_are_writes(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    for block in re.findall(r"```yaml\n(.*?)```", WRITES.read_text(encoding="utf-8"), re.DOTALL):
        path.write_text(block)
        load_profile(path)
    assert load_profile(path).writes["post_notice"].lookup is not None


def test_the_connection_of_the_example_is_one(tmp_path: Path) -> None:
    found = yaml.safe_load(BLOCKS[1])
    assert Settings.model_validate({**found, "folder": tmp_path}).streams_of("vip") == ("assets",)


class Library:
    """The media library of the page."""

    def __init__(self) -> None:
        self.media: list[dict[str, Any]] = []
        self.trash: list[dict[str, Any]] = []
        self.logins = 0
        self.maintenances = 2

    def add(self, uid: int, changed: int, **more: Any) -> None:
        self.media.append(
            {
                "uid": uid,
                "caption": {"en": "Poster"},
                "class": "IMG",
                "flow": "LIVE",
                "changed": changed,
                "owner": {"name": "Ann Ominous", "mail": "ann@example.org"},
                "labels": [{"k": "sku", "v": "P-1"}, {"k": "safety", "v": "no"}],
                **more,
            }
        )

    def __call__(self, asked: Asked) -> Reply | Any:
        if asked.path == "/session":
            if asked.json != {"user": "us", "secret": "open sesame"}:
                return Reply({}, status=401)
            self.logins += 1
            return {"session": {"id": f"S{self.logins}", "valid_for": 900}}
        if asked.headers.get("x-session") != f"S{self.logins}":
            return Reply({}, status=401)
        if self.maintenances:
            self.maintenances -= 1
            return {"fault": {"code": "MAINTENANCE"}}
        since = int(asked.query["modified_from"])
        if asked.path == "/library/trash":
            return {"result": {"media": [m for m in self.trash if m["changed"] >= since]}}
        until = int(asked.query["modified_to"])
        return {"result": {"media": [m for m in self.media if since <= m["changed"] <= until][:500]}}


def test_the_example_works_against_the_api_that_the_page_describes(tmp_path: Path) -> None:
    library = Library()
    for number in range(1300):
        library.add(number, 1_772_000_000 + number * 7)
    library.add(5000, 1_600_000_000, flow="ODD", labels=[], caption={"de": "Plakat"})
    profile = tmp_path / "media.yaml"
    profile.write_text(EXAMPLE)
    with Server(library) as server:
        secrets = {"user": "us", "secret": "open sesame", "pseudonym_key": "k"}
        tenant = Tenant(tmp_path, server.url, profile, secrets=secrets)
        tenant.pull_well()
        tenant.next_turn()
        library.trash.append({"uid": 7, "changed": 1_772_438_500})
        tenant.pull_well()
    rows = tenant.rows("assets", "asset_id, title, sku, status, classification, owner, deleted_at, rejected_because")
    assert len({row["asset_id"] for row in rows}) == 1301
    assert [row["asset_id"] for row in rows if row["rejected_because"]] == ["5000"]
    first = next(row for row in rows if row["asset_id"] == "0")
    assert first["owner"].startswith("pn-")
    assert (first["title"], first["sku"], first["status"], first["classification"]) == (
        "Poster",
        "P-1",
        "published",
        "standard",
    )
    assert [row["asset_id"] for row in rows if row["deleted_at"] is not None] == ["7"]
    assert "Ominous" not in str(tenant.landed())
    assert library.logins == 2
