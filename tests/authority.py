"""An authority of the tests' own, and the certificates that it signs."""

from __future__ import annotations

import ssl
from pathlib import Path

import attrs
import trustme
from cryptography.hazmat.primitives import serialization


@attrs.frozen
class Pair:
    """A certificate and its key, in two files and in one."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """Signs certificates; its own is in the file ``certificate``."""

    def __init__(self, folder: Path, name: str = "Authority of the tests") -> None:
        self._folder, self._authority = folder, trustme.CA(organization_name=name)
        self.certificate = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.certificate))

    def issue(self, name: str, *addresses: str, passphrase: str | None = None) -> Pair:
        """A certificate for a server's addresses, or for a client if there are none."""
        issued = self._authority.issue_cert(*addresses, common_name=name)
        certificate, key = issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()
        if passphrase:
            private = serialization.load_pem_private_key(key, None)
            key = private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(passphrase.encode()),
            )
        pair = Pair(*(self._folder / f"{name}.{end}" for end in ("crt", "key", "pem")))
        pair.certificate.write_bytes(certificate)
        pair.key.write_bytes(key)
        pair.both.write_bytes(certificate + key)
        return pair


def tls(server: Pair, *, clients: Authority | None = None) -> ssl.SSLContext:
    """The TLS settings of a server, which may demand certificates of its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate, server.key)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.certificate)
    return context
