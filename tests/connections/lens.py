"""A Trading Grid that behaves as OpenText's documents say: Community Management, and Lens with its stateful scroll."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.connections.making import SECRET, Asked, Reply

COMPANY = "BC-1"
BASE = f"/TGCommunityServices/v1/companies/{COMPANY}"
PAGE = 3


def transaction(number: int, status: str, status_at: str, **more: Any) -> dict[str, Any]:
    keys = {"ASSET_ID": "AS-1", "ASSET_VERSION": "2", "PARTNER_COMPANY_ID": "BC-20"}
    return {
        "transactionid": f"T{number}",
        "transactionlevel": "Document",
        "arrivaltime": "2026-02-01T00:00:00Z",
        "status": status,
        "statusdate": status_at,
        "receiveraddress": "ZZ:NORTH",
        "senderaddress": "ZZ:US",
        "fastatus": None,
        "fastatusdate": None,
        "errorcode": None,
        "externalerrormessage": None,
        "contentkeys": [{"key": key, "value": value} for key, value in keys.items()],
        **more,
    }


@dataclass
class Grid:
    """The server's state; ``lost_pages`` = so many answers are taken from a scroll and never arrive."""

    transactions: list[dict[str, Any]]
    lost_pages: int = 0
    token_count: int = 0
    good_token: str = ""
    scrolls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply | Any:
        if asked.path == "/v1/oauth2/tokens":
            return self._token(asked)
        if asked.headers.get("authorization") != f"Bearer {self.good_token}":
            return Reply({}, status=401)
        if asked.path == "/visibility_transaction_search":
            return self._search(asked)
        return self._community(asked)

    def _token(self, asked: Asked) -> Reply | Any:
        if asked.basic != f"us:{SECRET}" or asked.query != {"grant_type": "client_credentials"} or asked.body:
            return Reply({}, status=401)
        self.token_count += 1
        self.good_token = f"token-{self.token_count}"
        return {"access_token": self.good_token}

    def _search(self, asked: Asked) -> Reply | Any:
        question = asked.json["variables"]["query"]
        (span,) = question["ranges"]
        scroll = hashlib.sha256(asked.body).hexdigest()
        if scroll not in self.scrolls:
            since, until = (datetime.fromisoformat(span[name]) for name in ("from", "to"))
            self.scrolls[scroll] = [t for t in self.transactions if _between(t[span["field"]], since, until)]
            self.scrolls[f"{scroll} total"] = list(self.scrolls[scroll])
        rest = self.scrolls[scroll]
        page, self.scrolls[scroll] = rest[:PAGE], rest[PAGE:]
        if page and rest is not self.scrolls[f"{scroll} total"] and len(rest) <= PAGE and self.lost_pages:
            self.lost_pages -= 1
            return Reply({}, status=504)
        found = {"count": len(page), "offset": 0, "total": len(self.scrolls[f"{scroll} total"]), "scrollid": scroll}
        return {"data": {"getTransactions": {**found, "transactions": page}}}

    def _community(self, asked: Asked) -> Reply | Any:
        answers: dict[str, Any] = {
            BASE: {"companyId": COMPANY, "companyName": "Alpenglow", "tradingAddresses": ["ZZ:US"]},
            f"{BASE}/partnerDirectory": {
                "items": [
                    {
                        "partnerCompanyId": "BC-20",
                        "partnerCompanyName": "North Ltd",
                        "tradingAddresses": ["ZZ:NORTH", "ZZ:N2"],
                        "status": "ACTIVE",
                    },
                    {"partnerCompanyId": "BC-21", "partnerCompanyName": "South", "tradingAddresses": "ZZ:SOUTH"},
                    {"partnerCompanyId": "BC-22", "partnerCompanyName": "East", "status": "PAUSED"},
                ]
            },
            f"{BASE}/users": {
                "items": [
                    {
                        "userId": "U1",
                        "companyId": COMPANY,
                        "loginId": "ann@example.org",
                        "firstName": "Ann",
                        "lastName": "Ominous",
                        "email": "ann@example.org",
                        "status": "ACTIVE",
                    }
                ]
            },
            f"{BASE}/entitlements": {"items": [{"entitlementId": "E1", "entitlementName": "Lens"}]},
        }
        return answers[asked.path] if asked.path in answers else Reply({}, status=404)


def _between(stamp: str | None, since: datetime, until: datetime) -> bool:
    return stamp is not None and since <= datetime.fromisoformat(stamp) < until
