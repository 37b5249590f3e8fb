"""Tenants whose APIs are shaped unlike any profile that ships, each with the profile that the pages alone lead to."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from pipeline.ingest.profile import load_profile
from tests.connections.making import SECRET, Asked, Reply, Server, Tenant
from tests.connections.test_personal import stored
from tests.rest.conftest import fast_retries

__all__ = ["fast_retries"]


def tenant_of(folder: Path, url: str, profile: str, **more: Any) -> Tenant:
    """Return a tenant with a profile as a person writes it."""
    path = folder / "written.yaml"
    path.write_text(profile)
    load_profile(path)
    return Tenant(folder, url, yaml.safe_load(profile), **more)


JSON_API = """
auth: {kind: bearer}
defaults:
  path: "/api/{stream}"
  headers: {Accept: application/vnd.api+json}
  records: data
  paging: {kind: json_link, link: links.next.href, size_param: "page[size]", size: 2}
streams:
  access_events:
    path: /api/downloads
    query: {include: "asset,company"}
    attach:
      - from: included
        where: {type: relationships.company.data.type, id: relationships.company.data.id}
        inherit: {partner_id: attributes.code, contact: attributes.mail}
    incremental: {param: "filter[since]", start: 2026-01-01T00:00:00Z}
    keep: {path: type, one_of: [download]}
    mapping:
      event_id: {template: "{type}-{id}"}
      occurred_at: attributes.at
      event_type: {constant: downloaded}
      asset_id: relationships.asset.data.id
    personal: {contact: pseudonymise}
"""


class JsonApi:
    """JSON:API: what a record is about stands in ``relationships``, and more of it in ``included``."""

    def __call__(self, asked: Asked) -> Any:
        assert asked.headers["accept"] == "application/vnd.api+json"
        page = int(asked.query.get("page[number]", "1"))
        numbers = range(2 * page - 1, 2 * page + 1)
        link = f"/api/downloads?page[number]={page + 1}&page[size]=2" if page < 3 else None
        body = {
            "data": [self._download(n) for n in numbers],
            "included": [{"type": "assets", "id": "1", "attributes": {"code": "no company"}}]
            + [
                {"type": "companies", "id": str(n), "attributes": {"code": f"P{n}", "mail": f"ann{n}@example.org"}}
                for n in numbers
                if n != 4
            ],
            "links": {"next": None if link is None else {"href": link}},
        }
        return Reply(body, headers={"Content-Type": "application/vnd.api+json"})

    @staticmethod
    def _download(number: int) -> dict[str, Any]:
        company = {"data": {"type": "companies", "id": str(number)}}
        return {
            "type": "download" if number != 6 else "folder",
            "id": str(number),
            "attributes": {"at": f"2026-03-01T08:00:0{number}Z"},
            "relationships": {"asset": {"data": {"type": "assets", "id": f"A{number}"}}, "company": company},
        }


def test_json_api_with_included_and_relationships(tmp_path: Path) -> None:
    with Server(JsonApi()) as server:
        secrets = {"token": SECRET, "pseudonym_key": "k"}
        tenant = tenant_of(tmp_path, server.url, JSON_API, streams=("access_events",), secrets=secrets)
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    rows = tenant.rows("access_events", "event_id, asset_id, partner_id, rejected_because")
    assert [tuple(row.values()) for row in rows][:5] == [
        *((f"download-{n}", f"A{n}", f"P{n}", None) for n in (1, 2, 3)),
        ("download-4", "A4", None, None),
        ("download-5", "A5", "P5", None),
    ]
    assert len(rows) == 10
    assert b"example.org" not in stored(tenant)
    assert "filter[since]" in server.asked[3].query


ODATA = """
auth:
  kind: session_token
  login_path: /login
  login: {User: "{user}", Password: "{password}"}
  token: d.Ticket
  query: sid
defaults:
  path: "/odata/{stream}"
  records: value
  paging: {kind: json_link, link: ["@odata.nextLink"], total: ["@odata.count"]}
streams:
  assets:
    path: /odata/MediaSet
    query: {"$count": "true", "$orderby": "Changed"}
    incremental:
      param: $filter
      expression: Changed ge {start} and Changed lt {end} and Kind ne 'Folder'
      format: "%Y-%m-%dT%H:%M:%SZ"
      start: 2020-01-01T00:00:00Z
    mapping:
      asset_id: ID
      title: ["Title@de"]
      updated_at: {path: Changed, extract: "^/Date\\\\((-?[0-9]+)", cast: epoch_milliseconds}
    count: {path: /odata/MediaSet, query: {"$top": "0"}, total: ["@odata.count"]}
"""


def test_odata_with_a_filter_that_is_an_expression(tmp_path: Path) -> None:
    filters = []

    def answering(asked: Asked) -> Any:
        if asked.path == "/login":
            assert asked.json == {"User": "us", "Password": SECRET}
            return {"d": {"Ticket": f"{SECRET}-t"}}
        assert asked.query.pop("sid") == f"{SECRET}-t"
        skip = int(asked.query.get("$skiptoken", "0"))
        if not skip:
            filters.append(asked.query["$filter"])
        rows = [{"ID": n, "Title@de": f"T{n}", "Changed": f"/Date({1772434800000 + n}+0100)/"} for n in range(5)]
        page = {"@odata.context": "x", "@odata.count": 5, "value": rows[skip : skip + 2]}
        if skip + 2 < 5:
            page["@odata.nextLink"] = f"{server.url}/odata/MediaSet?{urlencode({'$skiptoken': skip + 2})}"
        return page

    with Server(answering) as server:
        secrets = {"user": "us", "password": SECRET}
        tenant = tenant_of(tmp_path, server.url, ODATA, secrets=secrets)
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    rows = tenant.rows("assets", "asset_id, title, updated_at::varchar as updated_at, rejected_because")
    assert tuple(rows[1].values()) == ("1", "T1", "2026-03-02 07:00:00.001+00", None)
    assert filters == [
        f"Changed ge {since} and Changed lt {until} and Kind ne 'Folder'"
        for since, until in [
            ("2020-01-01T00:00:00Z", "2026-03-02T08:00:00Z"),
            ("2026-03-02T07:00:00Z", "2026-03-02T09:00:00Z"),
        ]
    ]
    assert SECRET.encode() not in stored(tenant)


SOAP = """
defaults:
  method: POST
  path: /gateway
  headers: {SOAPAction: query}
  errors:
    - {body: {path: "Envelope.Body.Fault.Code", one_of: [Busy]}, do: retry}
    - {body: {path: Envelope.Body.Fault}, do: fail}
streams:
  acknowledgments:
    body: {Envelope: {Body: {GetReceipts: {Version: 2}}}}
    records: Envelope.Body.GetReceiptsResponse.Receipts.Receipt
    may_be: [absent, single]
    paging:
      kind: page_number
      param: Envelope.Body.GetReceipts.Page
      size_param: Envelope.Body.GetReceipts.PageSize
      size: 2
    mapping:
      ack_id: ["@id"]
      partner_id: Company.#text
      asset_id: Media.#text
      kind: {path: Kind, map: {RCVD: received, DONE: completed}}
      occurred_at: {path: At, cast: instant, format: "%d.%m.%Y %H:%M:%S", zone: Europe/Berlin}
"""


def test_an_envelope_that_a_converter_made_from_xml(tmp_path: Path) -> None:
    busy = [1, 1]

    def receipt(number: int) -> dict[str, Any]:
        return {
            "@id": f"R{number}",
            "Company": {"@scheme": "x", "#text": "P1"},
            "Media": {"#text": "A1"},
            "Kind": "DONE",
            "At": f"02.03.2026 08:00:0{number}",
        }

    def answering(asked: Asked) -> Any:
        if busy:
            busy.pop()
            return {"Envelope": {"Body": {"Fault": {"Code": "Busy"}}}}
        question = asked.json["Envelope"]["Body"]["GetReceipts"]
        receipts = {1: [receipt(1), receipt(2)], 2: receipt(3)}.get(question["Page"])
        found = {"Receipts": "" if receipts is None else {"Receipt": receipts}}
        return {"Envelope": {"Body": {"GetReceiptsResponse": found}}}

    with Server(answering) as server:
        tenant = tenant_of(tmp_path, server.url, SOAP, streams=("acknowledgments",), system="trading_grid")
        tenant.pull_well()
    rows = tenant.rows("acknowledgments", "ack_id, occurred_at::varchar as occurred_at, rejected_because")
    assert [tuple(row.values()) for row in rows] == [(f"R{n}", f"2026-03-02 07:00:0{n}+00", None) for n in (1, 2, 3)]
    assert server.asked[2].json["Envelope"]["Body"]["GetReceipts"] == {"Version": 2, "Page": 1, "PageSize": 2}
    assert [page["records"] for page in tenant.pages("acknowledgments")] == [2, 1, 0]


RELAY = """
auth: {kind: api_key}
streams:
  access_events:
    path: /graphql
    graphql:
      query: >-
        query($after: String, $since: Float) { viewer { company { id } media(first: 2, after: $after, since: $since) {
        pageInfo { endCursor hasNextPage } edges { node { id downloads(first: 100) { pageInfo { hasNextPage }
        edges { node { id at } } } } } } } }
    records: data.viewer.media.edges
    inherit: {partner_id: data.viewer.company.id}
    nested:
      - records: node.downloads.edges
        inherit: {asset_id: node.id}
        has_more: node.downloads.pageInfo.hasNextPage
    paging:
      kind: cursor
      param: after
      cursor: data.viewer.media.pageInfo.endCursor
      has_more: data.viewer.media.pageInfo.hasNextPage
    incremental: {param: since, format: epoch_microseconds, start: 2026-03-01T00:00:00Z}
    errors: [{body: {path: "errors[0].type", one_of: [RATE_LIMITED]}, do: retry}]
    mapping:
      event_id: node.id
      occurred_at: {path: node.at, cast: epoch_microseconds}
      event_type: {constant: downloaded}
"""


class Relay:
    """Connections within connections; ``cut_off`` = a list inside is not whole."""

    def __init__(self) -> None:
        self.is_busy = True
        self.cut_off = False

    def __call__(self, asked: Asked) -> Any:
        if self.is_busy:
            self.is_busy = False
            return {"data": None, "errors": [{"type": "RATE_LIMITED"}]}
        start = int(asked.json["variables"].get("after", "0"))
        edges = [{"node": self._media(n)} for n in range(start, min(start + 2, 3))]
        info = {"endCursor": str(start + 2), "hasNextPage": start + 2 < 3}
        return {"data": {"viewer": {"company": {"id": "P9"}, "media": {"pageInfo": info, "edges": edges}}}}

    def _media(self, number: int) -> dict[str, Any]:
        downloads = [{"node": {"id": f"E{number}{k}", "at": 1772434800_000000 + k}} for k in range(number)]
        return {"id": f"A{number}", "downloads": {"pageInfo": {"hasNextPage": self.cut_off}, "edges": downloads}}


def test_graphql_connections_within_connections(tmp_path: Path) -> None:
    relay = Relay()
    with Server(relay) as server:
        secrets = {"api_key": SECRET}
        tenant = tenant_of(tmp_path, server.url, RELAY, streams=("access_events",), secrets=secrets)
        tenant.pull_well()
        tenant.next_turn()
        relay.cut_off = True
        said = tenant.error("access_events")
    rows = tenant.rows("access_events", "event_id, asset_id, partner_id, occurred_at::varchar as at, rejected_because")
    assert [tuple(row.values()) for row in rows] == [
        ("E10", "A1", "P9", "2026-03-02 07:00:00+00", None),
        ("E20", "A2", "P9", "2026-03-02 07:00:00+00", None),
        ("E21", "A2", "P9", "2026-03-02 07:00:00.000001+00", None),
    ]
    assert "a list at node.downloads.edges inside it is cut off" in said
    assert server.asked[1].json["variables"] == {"since": 1772323200_000000}


EVENT_LOG = r"""
auth:
  kind: hmac
  signs: "{method}\n{host}\n{path}\n{query}\n{timestamp}"
  headers: {X-Client: "{client}", X-Time: "{timestamp}", X-Signature: "v1={signature}"}
  timestamp: iso
streams:
  access_events:
    path: /log/v3/{tenant}/entries
    records: ""
    query: {kinds: "download,view"}
    paging: {kind: header_link, size_param: n, size: 2, stop: [no_content]}
    incremental:
      param: from_us
      end_param: to_us
      format: epoch_microseconds
      start: 2026-03-01T00:00:00Z
      safety_lag: 5m
    mapping:
      event_id: {template: "{seq}@{node}"}
      occurred_at: {path: ts, cast: epoch_microseconds}
      event_type: {path: k, map: {download: downloaded, view: opened}}
      partner_id: who.org
      asset_id: {path: obj, extract: "^media:(.+)$"}
    personal: {who.login: pseudonymise, who.ip: drop}
"""


def test_an_event_log_with_epochs_in_microseconds_links_in_headers_and_signed_questions(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        query = urlencode(asked.query)
        text = f"GET\n{asked.headers['host']}\n{asked.path}\n{query}\n{asked.headers['x-time']}"
        signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        assert asked.headers["x-signature"] == f"v1={signature}"
        assert asked.path == "/log/v3/acme%20ltd/entries"
        at = int(asked.query.get("at", "0"))
        if at >= 4:
            return Reply(status=204)
        entries = [
            {
                "seq": n,
                "node": "n1",
                "ts": 1772434800_000000 + n,
                "k": "download",
                "who": {"org": "P1", "login": "ann@example.org", "ip": "10.9.8.7"},
                "obj": f"media:A{n}",
            }
            for n in (at, at + 1)
        ]
        return Reply(entries, headers={"Link": f'<{asked.path}?at={at + 2}&n=2>; rel="next"'})

    with Server(answering) as server:
        tenant = tenant_of(
            tmp_path,
            server.url,
            EVENT_LOG,
            streams=("access_events",),
            secrets={"signing_key": SECRET, "client": "c1", "pseudonym_key": "k"},
            variables={"tenant": "acme ltd"},
        )
        tenant.pull_well()
    rows = tenant.rows("access_events", "event_id, asset_id, occurred_at::varchar as at, rejected_because")
    assert tuple(rows[3].values()) == ("3@n1", "A3", "2026-03-02 07:00:00.000003+00", None)
    assert len(rows) == 4
    until = datetime(2026, 3, 2, 7, 55, tzinfo=UTC)
    assert server.asked[0].query["to_us"] == str(int(until.timestamp()) * 1_000_000)
    everything = stored(tenant)
    assert re.search(rb"example\.org|10\.9\.8\.7|canary", everything) is None
