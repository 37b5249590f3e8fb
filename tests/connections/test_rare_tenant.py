"""A tenant that combines what rarely comes together; its profile is what docs/profiles.md and its reference lead to.

Windows of time that are halved, a scroll with a memory inside each, answers that are always 200 and say their errors in
the body, tokens for a grant in the query that live for a time which nothing says, and deletions that nothing tells of.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.errors import ConfigurationError
from pipeline.ingest.profile import load_profile
from tests.connections.making import NOW, SECRET, Asked, Reply, Server, Tenant
from tests.connections.test_personal import stored
from tests.connections.test_tenants import tenant_of
from tests.rest.conftest import fast_retries

__all__ = ["fast_retries"]

PROFILE = """
auth:
  kind: oauth2_client_credentials
  token_path: /sts/token
  send: body                             # client id and secret in the form
  grant_in: query
  scope: permissions.read
  lifetime: 10m                          # its answers do not say it
limits:
  concurrency: 1                         # a scroll has a memory
  budgets: [{requests: 600, per: 1m}]
  rate_headers: {remaining: X-Calls-Left, reset: X-Calls-Reset, reset_is: epoch_seconds}
streams:
  grants:
    method: POST
    path: "/hub/{site}/search"
    body: {entity: PERMISSION}
    records: hits.rows
    paging:
      kind: time_window
      step: 60d
      smallest: 1s
      total: hits.total
      most: 5                            # five may be more than five
      within:
        {kind: stateful_scroll, param: scroll, scroll: hits.scroll, size_param: page.size, size: 2, total: hits.total}
    incremental:
      param: changed.from
      end_param: changed.to
      end: inclusive
      format: epoch_milliseconds
      start: 2026-01-01T00:00:00Z
      lookback: 1h
      full_every: 1d                     # a whole reading, so that deletions are found
    errors:
      - {body: {path: "errors[0].code", one_of: [BUSY]}, do: retry}
      - {body: {path: "errors[0].code", one_of: [STALE_TOKEN]}, do: refresh_token}
      - {body: {path: "errors[0].code", one_of: [TOO_WIDE]}, do: split_window}
      - {body: {path: "errors[0].code", one_of: [NOTHING_THERE]}, do: ignore}
      - {body: {path: "errors[0].code", one_of: [SCROLL_GONE]}, do: expired}
    deletions: {kind: absence, max_drop: 0.4}
    mapping:
      grant_id: {template: "P-{permission.no}"}
      grantee_type: {path: who.kind, map: {COMPANY: partner, CIRCLE: partner_group}}
      grantee_id: who.ref
      object_type: {constant: asset}
      object_id: "on[kind=MEDIA].ref"
      effect: {path: permission.mode, map: {"+": allow, "-": deny}}
      rights: {path: permission.may, cast: texts, separator: "|"}
      valid_from: {path: span.from, cast: instant, format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
      updated_at: {path: changed, cast: epoch_milliseconds}
    personal: {granted_by.mail: pseudonymise, granted_by.name: drop}
    page_personal: {operator.mail: drop}
"""
FIRST = datetime(2026, 1, 5, tzinfo=UTC)


def milliseconds(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000


def permission(number: int, **more: Any) -> dict[str, Any]:
    return {
        "permission": {"no": number, "mode": "+" if number % 2 else "-", "may": "view | download"},
        "who": {"kind": "COMPANY", "ref": f"P{number}"},
        "on": [{"kind": "FOLDER", "ref": "F"}, {"kind": "MEDIA", "ref": f"A{number}"}],
        "span": {"from": "02.03.2026 08:00"},
        "changed": milliseconds(FIRST + timedelta(days=3 * number)),
        "granted_by": {"name": "Ann Ominous", "mail": f"ann{number}@example.org"},
        **more,
    }


@dataclass
class Harbour:
    """The tenant: what it has, its scrolls and tokens; ``odd`` = by a search's number, what it answers instead."""

    has: list[dict[str, Any]]
    odd: dict[int, str] = field(default_factory=dict)
    scrolls: dict[str, int] = field(default_factory=dict)
    tokens: int = 0
    searches: int = 0
    too_wide: int = 0

    def __call__(self, asked: Asked) -> Any:
        if asked.path == "/sts/token":
            assert asked.query == {"grant_type": "client_credentials"}
            form = {"client_id": "us", "client_secret": SECRET, "scope": "permissions.read"}
            assert (asked.form, "authorization" in asked.headers) == (form, False)
            self.tokens += 1
            return {"access_token": f"t{self.tokens}", "token_type": "Bearer"}
        assert (asked.method, asked.path) == ("POST", "/hub/north/search")
        assert asked.json["entity"] == "PERMISSION"
        if asked.headers["authorization"] != f"Bearer t{self.tokens}":
            return self._wrong("STALE_TOKEN")
        self.searches += 1
        if self.searches in self.odd:
            return self._wrong(self.odd[self.searches])
        return Reply(self._page(asked.json), headers={"X-Calls-Left": "99", "X-Calls-Reset": "1772438400"})

    @staticmethod
    def _wrong(code: str) -> dict[str, Any]:
        return {"hits": None, "errors": [{"code": code}]}

    def _page(self, body: dict[str, Any]) -> dict[str, Any]:
        since, until = body["changed"]["from"], body["changed"]["to"]
        found = [one for one in self.has if since <= one["changed"] <= until]
        if not found:
            return self._wrong("NOTHING_THERE")
        if until - since > 45 * 86_400_000:
            self.too_wide += 1
            return self._wrong("TOO_WIDE")
        name = body.get("scroll") or f"s{len(self.scrolls)}"
        at = self.scrolls.get(name, 0)
        self.scrolls[name] = at + body["page"]["size"]
        rows = found[at : at + body["page"]["size"]]
        hits = {"rows": rows, "total": len(found), "scroll": name}
        return {"hits": hits, "errors": [], "operator": {"mail": "op@example.org"}}


def tenant_at(folder: Path, url: str) -> Tenant:
    secrets = {"client_id": "us", "client_secret": SECRET, "pseudonym_key": "k"}
    more: dict[str, Any] = {"streams": ("grants",), "secrets": secrets, "variables": {"site": "north"}}
    return tenant_of(folder, url, PROFILE, **more)


def current(tenant: Tenant) -> dict[str, bool]:
    rows = tenant.ask("core.grants", "grant_id, valid_to is not null as is_over")
    return {row["grant_id"]: row["is_over"] for row in rows}


def test_every_record_comes_whatever_the_windows_and_what_is_gone_from_two_whole_readings_has_ended(
    tmp_path: Path,
) -> None:
    harbour = Harbour([permission(number) for number in range(1, 19)])
    with Server(harbour) as server:
        tenant = tenant_at(tmp_path, server.url)
        tenant.pull_well()
        assert harbour.too_wide == 1
        landed = [record["permission"]["no"] for record in tenant.landed("grants")]
        assert sorted(landed) == list(range(1, 19))
        row = tenant.rows("grants")[0]
        assert row["rejected_because"] is None
        assert (row["grantee_type"], row["object_id"], row["rights"]) == ("partner", "A1", ["view", "download"])
        assert str(row["valid_from"].astimezone(UTC)) == "2026-03-02 07:00:00+00:00"

        # An hour later only what changed is asked for; what is missing then says nothing.
        del harbour.has[3]
        tenant.next_turn()
        asked = len(server.asked)
        tenant.pull_well()
        since = [one.json["changed"]["from"] for one in server.asked[asked:] if one.path != "/sts/token"]
        assert min(since) > milliseconds(NOW - timedelta(hours=2))
        assert not any(current(tenant).values())

        for _ in range(2):
            tenant.next_turn(timedelta(days=1, hours=1))
            tenant.pull_well()
    assert [name for name, is_over in current(tenant).items() if is_over] == ["P-4"]
    assert b"example.org" not in stored(tenant)
    assert b"Ominous" not in stored(tenant)
    assert SECRET.encode() not in stored(tenant)


def test_odd_answers_with_200_are_what_the_profile_says_of_them(tmp_path: Path) -> None:
    harbour = Harbour([permission(number) for number in range(1, 19)])
    with Server(harbour) as server:
        tenant = tenant_at(tmp_path, server.url)
        harbour.odd = {1: "BUSY", 2: "STALE_TOKEN", 3: "BUSY", 7: "SCROLL_GONE", 15: "BUSY"}
        tenant.pull_well()
        assert (harbour.tokens, harbour.searches > 15) == (2, True)
        landed = [record["permission"]["no"] for record in tenant.landed("grants")]
        assert sorted(landed) == list(range(1, 19))
        starts = [one.json["changed"]["from"] for one in server.asked if one.path != "/sts/token"]
        # A window is begun anew within, and none of those before it is asked for again.
        assert all(later > earlier - 600_000 for earlier, later in pairwise(starts))
        tenant.next_turn(timedelta(days=2))
        harbour.odd = {harbour.searches + 2: "ON_FIRE"}
        said = tenant.error("grants")
        assert "errors" in said
        assert "ON_FIRE" not in said
        assert len(tenant.landed("grants")) == len(landed)
    assert not any(current(tenant).values())


def test_a_reading_that_lacks_too_much_ends_nothing_and_another_start_begins_to_compare_anew(tmp_path: Path) -> None:
    harbour = Harbour([permission(number) for number in range(1, 19)])
    with Server(harbour) as server:
        tenant = tenant_at(tmp_path, server.url)
        tenant.pull_well()
        everything = list(harbour.has)
        harbour.has = harbour.has[:9]
        for _ in range(3):
            tenant.next_turn(timedelta(days=2))
            tenant.pull_well()
            assert "more than max_drop allows" in tenant.entry("grants")["notes"][0]
        tenant.next_turn()
        tenant.pull_well()
        assert tenant.entry("grants")["notes"] == []
        (gone,) = tenant.ask("ops.drift", "finding_id, detail")
        assert gone["finding_id"] == "many_gone:field:grants.records=4"
        assert "it has 9 records where the last had 18" in gone["detail"]
        harbour.has = everything
        written = tenant.profile.read_text().replace("2026-01-01", "2026-01-20")
        assert written != tenant.profile.read_text()
        tenant.profile.write_text(written)
        for hours in (1, 48, 48, 48):
            tenant.next_turn(timedelta(hours=hours))
            tenant.pull_well()
            assert tenant.entry("grants")["notes"] == []
        assert tenant.ask("ops.drift") == []
    assert not any(current(tenant).values())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"full_every": None}, "'full_every'"),
        ({"safety_lag": "1h"}, "'safety_lag'"),
    ],
)
def test_absence_that_could_never_be_told_is_refused_with_the_profile(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    tenant = tenant_at(tmp_path, "http://127.0.0.1:1")
    written = yaml.safe_load(PROFILE)
    by = written["streams"]["grants"]["incremental"]
    written["streams"]["grants"]["incremental"] = {k: v for k, v in {**by, **changed}.items() if v is not None}
    tenant.write_profile(written)
    with pytest.raises(ConfigurationError, match=said):
        load_profile(tenant.profile)
