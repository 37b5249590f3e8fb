"""Addresses: which may be asked at all, whether two are of one origin, and what of them may be shown.

Belongs here: everything about URLs that needs no network. Does not belong here: asking (``resources.rest``).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec

from pipeline.errors import ConfigurationError, SourceError

HIDDEN: Final = "***"
# So long a secret does not occur by chance in what is no secret.
_NO_WORD: Final = 8
_LONG: Final = 12
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def checked_base_url(name: str, base_url: str) -> str:
    """Return a base URL without its last slash.

    Raises:
        ConfigurationError: it is neither https nor loopback, or no mere address.

    """
    try:
        parts = urlsplit(base_url)
        is_plain = parts.port is None or parts.port > 0
    except ValueError:
        is_plain = False
    if not is_plain or not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
        message = f"base_url of connection {name} is not an address: write https://host[:port][/path], nothing more."
        raise ConfigurationError(message)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        message = f"base_url of connection {name} must begin with https:// (http:// is for this machine only)."
        raise ConfigurationError(message)
    return base_url.rstrip("/")


def is_url(path: str) -> bool:
    """Say whether this is a whole address, such as a next page's link, of whatever scheme."""
    return _SCHEME.match(path) is not None


def address_of(name: str, base_url: str, path: str, what: str) -> str:
    """Return the address of a path without its query, refusing one that leads to another origin.

    It is read as it would be asked: what two readers of addresses take differently must not get past one of them.

    Raises:
        SourceError: it leads elsewhere, or is no address.

    """
    try:
        target, base = httpx.URL(path if is_url(path) else base_url + path), httpx.URL(base_url)
    except (httpx.InvalidURL, ValueError) as error:
        message = f"Fetching {what} from {name}: the next page's link is no address that could be followed."
        raise SourceError(message, is_transient=False) from error
    if _origin(target) != _origin(base) or target.userinfo:
        message = (
            f"Fetching {what} from {name}: the next page's link leads to another origin "
            f"({target.scheme}://{target.host}), which is never followed."
        )
        raise SourceError(message, is_transient=False)
    return str(target.copy_with(query=None, fragment=None)) if is_url(path) else base_url + path.partition("?")[0]


def _origin(url: httpx.URL) -> tuple[bytes, bytes, int | None]:
    return url.raw_scheme, url.raw_host, url.port


def query_of(path: str) -> tuple[tuple[str, str], ...]:
    """Return the query that stands in an address."""
    return tuple(httpx.URL(path).params.multi_items()) if "?" in path else ()


def with_query(url: str, query: Sequence[tuple[str, str]], secret: Sequence[tuple[str, str]]) -> str:
    """Return an address with a query, and with what is secret in the place of what was hidden there."""
    if not query and not secret:
        return url
    hidden = {name for name, _ in secret}
    asked = [*query_of(url), *query]
    pairs = [pair for pair in asked if pair[0] not in hidden] + list(secret)
    return f"{url.partition('?')[0]}?{urlencode(pairs)}"


def hidden(content: bytes, secret: Sequence[tuple[str, str]], words: Sequence[str] = ()) -> bytes:
    """Return what a server sent back, without the secrets of the query and other ones that it may repeat."""
    for word in words:
        if len(word) >= _LONG:
            for spelled in {
                word,
                quote(word, safe=""),
                urlencode({"": word})[1:],
                msgspec.json.encode(word).decode()[1:-1],
            }:
                content = content.replace(spelled.encode(), HIDDEN.encode())
    for name, value in secret:
        for spelled in {value, quote(value, safe=""), urlencode({"": value})[1:]}:
            content = content.replace(f"{name}={spelled}".encode(), f"{name}={HIDDEN}".encode())
            if len(spelled) >= _NO_WORD:
                content = content.replace(spelled.encode(), HIDDEN.encode())
    return content


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
