"""What goes to a partner is its own: no internal word, no other partner, whatever the kind and the language."""

from __future__ import annotations

import json
from typing import Final

import pytest

from pipeline.actions.outbox import read_outbox
from pipeline.notices.names import SAID
from tests.actions.world import NOW, World

OTHERS: Final = {"P2": "Brauhaus Elbtal", "P3": "Caves du Midi"}
KINDS: Final = ("request_update", "issue_update", "access_rules", "launch_package")
INTERNAL: Final = "Internal: margins of Brauhaus Elbtal (P2)"


def of_everybody(world: World, locale: str) -> None:
    """Make every partner due every kind of notice, with an internal comment on all that they are about."""
    names = {"P1": "Nordwind", **OTHERS}
    world.give("core.partners", *({"partner_id": key, "name": name, "locale": locale} for key, name in names.items()))
    for table in ("freshness.positions", "freshness.held_copies", "freshness.audiences"):
        world.give(table, *({"partner_id": key} for key in names))
    world.give("core.partner_users", *({"partner_id": key, "user_id": f"U-{key}"} for key in names))
    world.withdraw(1, NOW)
    world.give("freshness.obligations", *({"partner_id": key, "due_at": NOW, "state": "overdue"} for key in names))
    for place, kind in enumerate(KINDS):
        table = f"sync.{('request', 'issue', 'rights', 'campaign')[place]}_notices"
        said = {name: str(value).strip() for name, value in SAID[kind].items() if not name.endswith("_on")}
        world.give(
            table,
            *({"partner_id": key, "kind": kind, "step": f"s:{place}", "said": json.dumps(said)} for key in names),
        )


@pytest.mark.parametrize("locale", ["en", "de", "es"])
@pytest.mark.parametrize("digest", ["off", "daily"])
def test_no_outgoing_notice_names_another_partner_or_an_internal_word(world: World, locale: str, digest: str) -> None:
    of_everybody(world, locale)
    notices = world.settings.notices
    world.settings = world.settings.model_copy(
        update={"notices": notices.model_copy(update={"digest": notices.digest.model_copy(update={"every": digest})})}
    )
    world.connection.execute("create schema if not exists core")
    world.connection.execute(
        f"create or replace table core.comments as select '{INTERNAL}' as body, 'internal' as visibility"
    )
    world.decide()

    posted = [action for action in read_outbox(world.journal).actions.values() if action.operation == "post_notice"]
    kinds = {str(action.data["kind"]) for action in posted}
    assert kinds >= ({"withdrawal", "version_change"} | ({"digest"} if digest == "daily" else {*KINDS, "reminder"}))
    for action in posted:
        own = action.data["partner_id"]
        said = json.dumps(action.payload, ensure_ascii=False)
        assert action.payload["partner_id"] == own
        assert "Internal" not in said
        for partner_id, name in {"P1": "Nordwind", **OTHERS}.items():
            if partner_id != own:
                assert name not in said
                assert f'"{partner_id}"' not in said
