"""TLS is verified always."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.errors import SourceError
from tests.rest.making import client

PAGE = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{"items": []}'
)


def _certificate(folder: Path, *, host: str, ends_at: datetime) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    no_password = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def _server(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with suppress(OSError), connection, context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(65536)
                    secured.sendall(PAGE)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


FUTURE = datetime(2099, 1, 1, tzinfo=UTC)
PAST = datetime(2021, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("host", "ends_at", "is_authority_known"),
    [("127.0.0.1", FUTURE, False), ("127.0.0.1", PAST, True), ("127.0.0.9", FUTURE, True)],
    ids=["self-signed", "expired", "wrong host"],
)
def test_a_certificate_that_is_not_good_is_refused_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, ends_at: datetime, *, is_authority_known: bool
) -> None:
    certificate = _certificate(tmp_path, host=host, ends_at=ends_at)
    if is_authority_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with _server(certificate) as url:
        opened = client(url)
        with pytest.raises(SourceError, match="certificate that is not to be trusted") as caught:
            opened.get("/v1/assets", (), what="assets")
        opened.close()
    assert not caught.value.is_transient


def test_an_authority_of_ones_own_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = _certificate(tmp_path, host="127.0.0.1", ends_at=FUTURE)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with _server(certificate) as url:
        opened = client(url)
        assert opened.get("/v1/assets", (), what="assets").status == 200
        opened.close()
