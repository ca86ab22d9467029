"""Public keys: what is one is read, what is none is refused and never quoted."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
)

from slipstream.errors import BadInput
from slipstream.values.ssh_key import SSHKey

PRIVATE: dict[str, Any] = {
    "ssh-rsa": rsa.generate_private_key(65537, 2048),
    "ssh-ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ecdsa-sha2-nistp256": ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-sha2-nistp521": ec.generate_private_key(ec.SECP521R1()),
}
LINES = {
    name: key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    for name, key in PRIVATE.items()
}
ED25519 = LINES["ssh-ed25519"]


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _line(kind: str, *parts: bytes) -> str:
    """A line whose blob holds a type and some strings."""
    blob = b"".join(_string(part) for part in (kind.encode(), *parts))
    return f"{kind} {base64.b64encode(blob).decode()}"


def _rsa(bits: int, exponent: int) -> str:
    modulus = ((1 << bits) - 1).to_bytes(bits // 8 + 1, "big")
    return _line("ssh-rsa", bytes([exponent]), modulus)


SK = "sk-ssh-ed25519@openssh.com"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
RAW = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
POINT = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
)
CERTIFICATE = (
    SSHCertificateBuilder()
    .public_key(PRIVATE["ssh-ed25519"].public_key())
    .serial(1)
    .type(SSHCertificateType.USER)
    .key_id(b"x")
    .valid_for_all_principals()
    .valid_after(0)
    .valid_before(2**40)
    .sign(PRIVATE["ssh-ed25519"])
    .public_bytes()
    .decode()
)


KEYS = [
    *(f"{line} me@home" for line in LINES.values()),
    "KEY",
    "  KEY \t",
    "KEY\r\n",
    "\ufeffKEY x",
    "KEY do not mix up with my PRIVATE KEY",
    'no-pty,command="echo a,b \\"c\\"",from="10.0.0.0/8" KEY x',
    'ENVIRONMENT="A=b c",expiry-time="20301231",permitopen="[::1]:80",tunnel="0" KEY',
    'permitlisten="8080",permitlisten="localhost:*",principals="a,b" KEY',
    "restrict KEY",
    "cert-authority KEY",
    f"{_line(SK, RAW, b'ssh:')} token",
    f"{_line(SK_ECDSA, b'nistp256', POINT, b'ssh:')} token",
    _rsa(1024, 3),
]


@pytest.mark.parametrize("text", KEYS, ids=map(str, range(len(KEYS))))
def test_what_openssh_takes_is_a_key(text: str) -> None:
    line = text.replace("KEY", ED25519, 1)
    assert SSHKey.parse(line).check().line == line.strip("\ufeff \t\r\n")


NO_KEYS = [
    # Of known_hosts.
    *(
        f"{host} KEY"
        for host in (
            *("example.org", "example.org,192.0.2.1", "[example.org]:2222", "@revoked *"),
            *("|1|c2FsdA==|aGFzaA==", "@cert-authority *.example.org"),
        )
    ),
    # Several lines, and characters of none.
    *(
        "KEY\nKEY",
        "KEY\r\nKEY",
        "KEY\rx",
        "KEY\u2028x",
        "KEY a\x1b[2Jb",
        "KEY a\0b",
        "KEY a\udc80b",
    ),
    # Options without the value that they need, or with one that is none.
    *(
        f"{options} KEY"
        for options in (
            *("command", "command=", "command=ls", 'command="ls', "from", "environment"),
            *('environment="A"', 'no-pty="x"', 'expiry-time="tomorrow"', 'permitopen="80"'),
            *('tunnel="x"', "no-pty,", ",no-pty", 'no-pty,,command="x"'),
        )
    ),
    # Data of another type, too short, too long, or not in base64.
    *("ssh-ed25519 AAAA", f"ssh-rsa {ED25519.split()[1]}", "KEY="),
    LINES["ecdsa-sha2-nistp256"].rstrip("="),
    LINES["ecdsa-sha2-nistp256"].replace("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384"),
    _line("ecdsa-sha2-nistp384", b"nistp256", POINT),
    _line("ecdsa-sha2-nistp256", b"nistp256", POINT[:-1] + bytes([POINT[-1] ^ 1])),
    *(_line("ssh-ed25519", *parts) for parts in ([RAW, b"more"], [RAW[:-1]])),
    _line("ssh-unknown", RAW),
    *(_line(SK, *parts) for parts in ([RAW], [RAW, b""], [RAW, b"ssh:", b"more"])),
    _line(SK, RAW[:-1], b"ssh:"),
    _line(SK_ECDSA, b"nistp256", POINT[:-2], b"ssh:"),
    *(_rsa(768, 3), _rsa(20_000, 3), _rsa(2048, 1)),
    # Kinds that let nobody in.
    _line("ssh-dss", b"a", b"b", b"c", b"d"),
    CERTIFICATE,
    # No keys at all.
    *("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "my password", ""),
]


@pytest.mark.parametrize("text", NO_KEYS, ids=map(str, range(len(NO_KEYS))))
def test_what_is_no_key_is_refused_and_not_quoted(text: str) -> None:
    _refused(text.replace("KEY", ED25519))


@pytest.mark.parametrize("kind", LINES)
def test_a_key_that_is_cut_anywhere_is_refused(kind: str) -> None:
    line = LINES[kind]
    for end in range(len(kind) + 5, len(line), 7 if len(line) > 200 else 1):
        _refused(line[:end])


@pytest.mark.parametrize("kind", PRIVATE)
@pytest.mark.parametrize("form", ["OpenSSH", "PKCS8"])
def test_a_private_key_is_not_quoted(kind: str, form: str) -> None:
    data = PRIVATE[kind].private_bytes(Encoding.PEM, getattr(PrivateFormat, form), NoEncryption())
    for text in (data.decode(), "\ufeff" + data.decode(), data.decode().replace("\n", " ")):
        assert "private key" in _refused(text)
    begin, body, *_ = data.decode().splitlines()
    for text in (body, f"ssh-ed25519 {body} x", f"{ED25519} {body}", f"{ED25519} {begin}{body}"):
        _refused(text)


def _refused(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        SSHKey.parse(text).check()
    message = str(caught.value)
    for word in text.split():
        assert (
            len(word) < 12
            or word not in message
            or word in {SK, SK_ECDSA, "ecdsa-sha2-nistp384", *PRIVATE}
        )
    return message
