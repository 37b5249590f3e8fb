"""Retries without waits, and one TLS context for the many clients of plain HTTP that these tests make."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest
import stamina


@pytest.fixture(autouse=True, scope="module")
def quick_clients() -> Iterator[None]:
    context = ssl.create_default_context()
    with pytest.MonkeyPatch.context() as patch, stamina.set_testing(True, attempts=4):
        patch.setattr(httpx, "create_ssl_context", lambda: context)
        yield
