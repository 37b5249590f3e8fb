"""Clients and profiles of tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import SecretStr

from pipeline.ingest.profile import Profile
from pipeline.settings import RestConnection
from resources.rest import RestClient, open_client

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECRET = "canary-secret-4711"


def client(
    url: str,
    *,
    transport: httpx.BaseTransport | None = None,
    secrets: dict[str, str] | None = None,
    sleep: Callable[[float], None] = lambda _seconds: None,
    **profile: Any,
) -> RestClient:
    connection = RestConnection(
        kind="rest",
        profile="p.yaml",
        base_url=url,
        secrets={name: SecretStr(value) for name, value in (secrets or {}).items()},
    )
    return open_client(
        "vip", connection, Profile.model_validate(profile), clock=lambda: NOW, transport=transport, sleep=sleep
    )


def oauth(url: str, **more: Any) -> RestClient:
    return client(
        url,
        secrets={"client_id": "us", "client_secret": SECRET},
        auth={"kind": "oauth2_client_credentials"},
        **more,
    )
