"""Certificates good and bad, and servers on loopback that show them."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PEM = serialization.Encoding.PEM
LOOPBACK = x509.IPAddress(IPv4Address("127.0.0.1"))


class Authority:
    """A certificate authority of our own; ``file`` is what a system trusts that trusts it."""

    def __init__(self, folder: Path, name: str = "Test CA") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        signed = self._sign(self._name, self._key, [x509.BasicConstraints(ca=True, path_length=None)], 0, 1)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(signed.public_bytes(PEM))

    def leaf(
        self,
        names: list[x509.GeneralName] | bytes | None,
        *,
        common_name: str = "127.0.0.1",
        begins: float = -1,
        ends: float = 1,
        by_itself: bool = False,
    ) -> Path:
        """A certificate and its key in one file: for these names, valid from and to so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
        extensions: list[x509.ExtensionType] = [x509.BasicConstraints(ca=False, path_length=None)]
        if isinstance(names, bytes):
            extensions.append(x509.UnrecognizedExtension(x509.OID_SUBJECT_ALTERNATIVE_NAME, names))
        elif names is not None:
            extensions.append(x509.SubjectAlternativeName(names))
        signed = self._sign(subject, key, extensions, begins, ends, by_itself=by_itself)
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = self._folder / f"{x509.random_serial_number()}.pem"
        path.write_bytes(private + signed.public_bytes(PEM))
        return path

    def _sign(
        self, subject: x509.Name, key: Any, extensions: list[Any], begins: float, ends: float, by_itself: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(subject if by_itself else self._name, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=begins))
            .not_valid_after(now + timedelta(days=ends))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(key if by_itself else self._key, hashes.SHA256())


@contextmanager
def https(handler: Any, certificate: Path, limit: Callable[[ssl.SSLContext], None] | None = None) -> Iterator[int]:
    """The port of a server that answers with ``handler`` behind that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if limit:
        limit(context)
    server = _Quiet(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    # the handshake in the thread of the connection: one that fails must not end the server
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that turns a certificate down is what is tested."""


@contextmanager
def raw(say: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that does with each connection what ``say`` does, then hangs up."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(20)
                    say(connection)
                except OSError:
                    pass

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
