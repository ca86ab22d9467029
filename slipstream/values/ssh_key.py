"""
SSH public keys in OpenSSH's one-line format.

The format is that of ``authorized_keys`` in sshd(8): options, type, base64 blob, comment; the
options and the comment may be missing, and the options may hold quoted blanks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

import attrs

from slipstream.errors import BadInput
from slipstream.values.fields import Record

_LINE = re.compile(
    r"""(?:(?P<options>(?:[^\s"]|"(?:[^"\\]|\\.)*")+)[ \t]+)??
        (?P<type>(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+)[ \t]+
        (?P<blob>[A-Za-z0-9+/]+={0,2})
        (?:[ \t]+(?P<comment>\S.*?))?[ \t]*""",
    re.VERBOSE,
)
PRIVATE_KEY = re.compile(r"BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File|AGE-SECRET-KEY-")
"""What a private key begins with, or holds."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no line has: control characters but the tab, and halves of characters."""

_PARTS = {"sk-ssh-ed25519@openssh.com": 3, "sk-ecdsa-sha2-nistp256@openssh.com": 4}
"""How many parts a key on a token has (OpenSSH, PROTOCOL.u2f); others are read by a library."""

_OPTIONS = frozenset({
    *("agent-forwarding", "cert-authority", "command", "environment", "expiry-time", "from"),
    *("no-agent-forwarding", "no-port-forwarding", "no-pty", "no-touch-required", "no-user-rc"),
    *("no-x11-forwarding", "permitlisten", "permitopen", "port-forwarding", "principals", "pty"),
    *("restrict", "tunnel", "user-rc", "verify-required", "x11-forwarding"),
})  # fmt: skip
"""The options that a line may begin with (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""


@attrs.frozen
class SSHKey(Record):
    """
    One public key.

    :param type: The key type, as in ``ssh-ed25519``.
    :param blob: The key itself in base64.
    :param comment: The text behind it, empty when there is none.
    :param options: The options before it, empty when there are none.
    :param id: What the server calls it, where each key is a resource of its own.
    """

    type: str
    blob: str
    comment: str = ""
    options: str = ""
    id: str | None = attrs.field(default=None, eq=False)

    @classmethod
    def parse(cls, text: str) -> SSHKey:
        """
        Read one line.

        :param text: The line; blanks around it do not matter.
        :returns: The key.
        :raises BadInput: If it is no public key, or looks like a private one.
        """
        stripped = text.removeprefix("\ufeff").strip()
        if _LINE.fullmatch(stripped) is None and PRIVATE_KEY.search(stripped):
            raise BadInput(
                "That is a private key.", hint="Give the public one, usually the file *.pub."
            )
        match = _LINE.fullmatch(stripped) if len(stripped.splitlines()) == 1 else None
        is_key = match and _blob_is_of(match["type"], match["blob"])
        if not match or not is_key or _UNPRINTABLE.search(stripped):
            # What was given is not quoted: it may be a secret.
            raise BadInput(
                f"A text of {len(text)} characters is no SSH public key.",
                hint="Give one whole line of OpenSSH's format: 'ssh-ed25519 AAAA... comment'.",
            )
        if not _are_options(match["options"] or ""):
            raise BadInput(
                "A line that begins with what is neither a key type nor an option is no SSH public"
                " key.",
                hint="If it is a line of known_hosts, give it from 'ssh-' on.",
            )
        return cls(match["type"], match["blob"], match["comment"] or "", match["options"] or "")

    @property
    def line(self) -> str:
        """The key as one line."""
        return " ".join(
            part for part in (self.options, self.type, self.blob, self.comment) if part
        )

    @property
    def name(self) -> str:
        """The comment, or the SHA-256 fingerprint of a key that has none."""
        return self.comment or self.fingerprint_sha256

    @property
    def fingerprint(self) -> str:
        """The MD5 fingerprint as pairs of hexadecimal digits, libcloud's usual form."""
        digest = hashlib.md5(self._bytes(), usedforsecurity=False).hexdigest()
        return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))

    @property
    def fingerprint_sha256(self) -> str:
        """The fingerprint as ``ssh-keygen -l`` prints it."""
        digest = base64.b64encode(hashlib.sha256(self._bytes()).digest())
        return f"SHA256:{digest.decode().rstrip('=')}"

    def is_called(self, name: str) -> bool:
        """Whether a user may mean this key by a name."""
        return name in {self.name, self.fingerprint, self.fingerprint_sha256}

    def check(self) -> SSHKey:
        """
        Make sure that it is a whole key, not just one that looks like it.

        :returns: The key itself.
        :raises BadInput: If the blob cannot be decoded.
        """
        # Loaded when a key is made or added: few programs do.
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            load_ssh_public_key,
        )

        try:
            if not self.type.startswith("sk-"):
                load_ssh_public_key(f"{self.type} {self.blob}".encode())
            elif "-cert-" not in self.type and not _is_whole(self.type, self._bytes()):
                raise ValueError
        except (ValueError, UnsupportedAlgorithm):
            raise BadInput(
                f"A key of {len(self.blob)} characters is damaged: its {self.type} data cannot be"
                " read.",
                hint="Copy the whole line of the *.pub file.",
            ) from None
        return self

    def _bytes(self) -> bytes:
        return base64.b64decode(self.blob)


def generate(name: str) -> tuple[SSHKey, str]:
    """
    Make a new ED25519 key pair; the private half never leaves this process by itself.

    :param name: The comment of the public key.
    :returns: The public key, and the private one in OpenSSH's format, without a passphrase.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    private = Ed25519PrivateKey.generate()
    public = (
        private.public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        .decode()
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return attrs.evolve(SSHKey.parse(public), comment=name), pem.decode()


def _blob_is_of(key_type: str, blob: str) -> bool:
    try:
        data = base64.b64decode(blob, validate=True)
    except binascii.Error:
        return False
    length = int.from_bytes(data[:4], "big")
    return data[4 : 4 + length] == key_type.encode()


def _is_whole(key_type: str, data: bytes) -> bool:
    """Whether a key has all its parts: strings, each after its length (RFC 4253)."""
    parts = 0
    while data:
        length = 4 + int.from_bytes(data[:4], "big")
        if len(data) < length:
            return False
        data = data[length:]
        parts += 1
    return parts == _PARTS.get(key_type, parts)


def _are_options(options: str) -> bool:
    names = re.sub(r'"(?:[^"\\]|\\.)*"', "", options).lower().split(",") if options else []
    return all(name.partition("=")[0] in _OPTIONS for name in names)
