"""Notices to a target that speaks GraphQL, as docs/writes.md describes one: what it refuses comes as a success."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from pipeline.actions.keys import action_key
from pipeline.actions.outbox import State, read_outbox
from pipeline.ingest.profile import Profile
from resources.rest_writes import RestSender
from tests.actions.remote import decided, drain, new_journal
from tests.connections.making import Asked, Reply, Server
from tests.rest.making import client

PAGE = (Path(__file__).parents[2] / "docs" / "writes.md").read_text(encoding="utf-8")
(WRITES,) = [
    found["writes"]
    for found in map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
    if "graphql" in found["writes"].get("post_notice", {})
]


class Board:
    """A notice board; of each company's name it takes what is to go wrong, once."""

    def __init__(self) -> None:
        self.notices: dict[str, str] = {}
        self.asked: Counter[str] = Counter()

    def __call__(self, asked: Asked) -> Any:
        words = asked.json["variables"]
        if "refs" in words:
            found = [{"id": self.notices[ref], "clientRef": ref} for ref in words["refs"] if ref in self.notices]
            return {"data": {"notices": {"nodes": found}}}
        given = words["in"]
        fault = given["company"] if not self.asked[given["company"]] else ""
        self.asked[given["company"]] += 1
        if fault == "THROTTLED" or given["company"] == "BAD_INPUT":
            return _refused(given["company"])
        self.notices.setdefault(given["clientRef"], f"N{len(self.notices) + 1}")
        if fault == "LOST":
            return Reply({}, status=502)
        if fault == "ODD":
            return _refused("ODD")
        return {"data": {"createNotice": {"id": self.notices[given["clientRef"]]}}}


def _refused(code: str) -> dict[str, Any]:
    return {"data": {"createNotice": None}, "errors": [{"message": "no", "extensions": {"code": code}}]}


def test_each_notice_is_there_once_and_what_was_refused_waits_for_a_person(tmp_path: Path) -> None:
    companies = ["FINE", "THROTTLED", "LOST", "ODD", "BAD_INPUT"]
    due = {"due_at": "2026-03-17T08:00:00.000000Z"}
    drafts = [
        decided(name, payload={"partner_id": name, "subject": "s", "body": "b", "language": "en", **due})
        for name in companies
    ]
    journal = new_journal(tmp_path, *drafts)
    board = Board()
    with Server(board) as server:
        opened = client(server.url, writes=WRITES)
        drain(journal, RestSender(opened, Profile.model_validate({"writes": WRITES})))
        opened.close()
    actions = read_outbox(journal).actions
    states = {name: actions[action_key(name)].state for name in companies}
    assert states == {**dict.fromkeys(companies, State.SENT), "BAD_INPUT": State.DEAD}
    assert board.asked == {"FINE": 1, "THROTTLED": 2, "LOST": 1, "ODD": 1, "BAD_INPUT": 1}
    assert len(board.notices) == 4
    first = next(asked.json["variables"]["in"] for asked in server.asked if "in" in asked.json["variables"])
    assert first.keys() == {"company", "head", "text", "due", "clientRef"}
    assert first["due"] == 1773734400
