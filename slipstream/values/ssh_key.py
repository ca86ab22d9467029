"""
SSH public keys in OpenSSH's one-line format.

The format is that of ``authorized_keys`` in sshd(8): options, type, base64 blob, comment; the
options and the comment may be missing, and the options may hold quoted blanks.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

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
PRIVATE_KEY = re.compile(
    r"-{3,} ?BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File|AGE-SECRET-KEY-"
    r"|b3BlbnNzaC1rZXktdjE|(?<![A-Za-z0-9+/])M[CHI][A-Za-z0-9+/]{45}"
)
"""What a private key begins with, or holds: OpenSSH's magic word and DER are known in base64."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no line has: control characters but the tab, and halves of characters."""

_SHORTEST_RSA, _LONGEST_RSA = 1024, 16384
"""Bits below and above which OpenSSH takes no RSA key."""

_ANY, _PORT = r".*", r"(\d{1,5}|\*)"
_OPTIONS: dict[str, str | None] = {
    **dict.fromkeys(
        (
            *("agent-forwarding", "cert-authority", "no-agent-forwarding", "no-port-forwarding"),
            *("no-pty", "no-touch-required", "no-user-rc", "no-x11-forwarding", "port-forwarding"),
            *("pty", "restrict", "user-rc", "verify-required", "x11-forwarding"),
        )
    ),
    **dict.fromkeys(("command", "from", "principals"), _ANY),
    "environment": r"\w+=.*",
    "expiry-time": r"\d{8}(\d{4}(\d\d)?)?Z?",
    "permitlisten": rf"(.*:)?{_PORT}",
    "permitopen": rf".+:{_PORT}",
    "tunnel": r"\d+|any",
}
"""The options of a line, and what is quoted behind each (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""

_OPTION = re.compile(r'([A-Za-z0-9-]+)(?:="((?:[^"\\]|\\.)*)")?(?:,(?!\Z)|\Z)')


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
        if PRIVATE_KEY.search(stripped):
            raise BadInput(
                "That is a private key, or holds one.",
                hint="Pass the public one, usually the file *.pub.",
            )
        match = _LINE.fullmatch(stripped) if len(stripped.splitlines()) == 1 else None
        is_key = match and _blob_is_of(match["type"], match["blob"])
        if not match or not is_key or _UNPRINTABLE.search(stripped):
            # What was given is not quoted: it may be a secret.
            raise BadInput(
                f"A text of length {len(text)} is not an SSH public key.",
                hint="Pass one whole line of OpenSSH's format: 'ssh-ed25519 AAAA... comment'.",
            )
        if not _are_options(match["options"] or ""):
            raise BadInput(
                "A line that begins with neither a key type nor an option is not an SSH public"
                " key.",
                hint="If it is a line of known_hosts, pass it from 'ssh-' on.",
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
        """Whether a name is this key's name or one of its fingerprints."""
        return name in {self.name, self.fingerprint, self.fingerprint_sha256}

    def check(self) -> SSHKey:
        """
        Check that it is a whole key that OpenSSH accepts.

        :returns: The key itself.
        :raises BadInput: If it is not.
        """
        # Loaded when a key is made or added: few programs do.
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415

        if "-cert-" in self.type or self.type == "ssh-dss":
            what = "A DSA key" if self.type == "ssh-dss" else "A certificate"
            raise BadInput(
                f"{what} cannot be used: OpenSSH accepts none as an authorized key.",
                hint="Pass a public key such as ssh-keygen -t ed25519 makes.",
            )
        try:
            key = _load(self.type, self._bytes())
        except (ValueError, UnsupportedAlgorithm):
            raise BadInput(
                f"A key of {len(self.blob)} characters is damaged: its {self.type} data cannot be"
                " read.",
                hint="Copy the whole line of the *.pub file.",
            ) from None
        if self.type == "ssh-rsa" and not _SHORTEST_RSA <= key.key_size <= _LONGEST_RSA:
            raise BadInput(
                f"An RSA key of {key.key_size} bits cannot be used: OpenSSH accepts those of"
                f" {_SHORTEST_RSA} to {_LONGEST_RSA}."
            )
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
        first = next(_strings(data), None)
    except ValueError:
        return False
    # Python decodes other texts to the same bytes, servers do not.
    return first == key_type.encode() and base64.b64encode(data).decode() == blob


def _strings(data: bytes) -> Iterator[bytes]:
    """The strings of a blob, each after its length (RFC 4251)."""
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        if len(data) < end:
            raise ValueError("cut")
        yield data[4:end]
        data = data[end:]


def _load(key_type: str, data: bytes) -> Any:
    """Read a key with a library; of one on a token, its public key (PROTOCOL.u2f)."""
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_ssh_public_key,
    )

    if key_type.startswith("sk-"):
        *key, application = _strings(data)
        if not application or len(key) < 2:
            raise ValueError("cut")
        key_type = key_type.removeprefix("sk-").removesuffix("@openssh.com")
        parts = [key_type.encode(), *key[1:]]
        data = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return load_ssh_public_key(f"{key_type} {base64.b64encode(data).decode()}".encode())


def _are_options(options: str) -> bool:
    end = 0
    while options[end:]:
        match = _OPTION.match(options, end)
        if match is None or match[1].lower() not in _OPTIONS:
            return False
        pattern, value = _OPTIONS[match[1].lower()], match[2]
        if (pattern is None) != (value is None) or not re.fullmatch(pattern or "", value or ""):
            return False
        end = match.end()
    return True
