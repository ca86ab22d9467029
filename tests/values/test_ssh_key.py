"""Public keys: what is one is read, what is none is refused and never quoted."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from slipstream.errors import BadInput
from slipstream.values.ssh_key import SSHKey

PRIVATE = {
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


SK = "sk-ssh-ed25519@openssh.com"
SK_BLOB = _string(SK.encode()) + _string(b"k" * 32) + _string(b"ssh:")


@pytest.mark.parametrize("kind", LINES)
def test_a_key_is_read(kind: str) -> None:
    line = LINES[kind]
    assert SSHKey.parse(f"{line} me@home").check().line == f"{line} me@home"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffKEY64 x",
        "KEY64 do not mix up with my PRIVATE KEY",
        'no-pty,command="echo a,b \\"c\\"",from="10.0.0.0/8" KEY64 x',
        "restrict KEY64",
        "cert-authority KEY64",
        f"{SK} {base64.b64encode(SK_BLOB).decode()} token",
    ],
)
def test_what_openssh_takes_is_a_key(text: str) -> None:
    assert SSHKey.parse(text.replace("KEY64", ED25519)).check().type


@pytest.mark.parametrize(
    "text",
    [
        "example.org KEY64",
        "example.org,192.0.2.1 KEY64",
        "[example.org]:2222 KEY64",
        "|1|c2FsdA==|aGFzaA== KEY64 x",
        "@cert-authority *.example.org KEY64",
        "KEY64\nKEY64",
        "KEY64 a\x1b[2Jb",
        "KEY64 a\0b",
        "KEY64 a\udc80b",
        "ssh-ed25519 AAAA",
        "ssh-rsa BLOB",
        f"{SK} {base64.b64encode(SK_BLOB[:-8]).decode()} cut",
        f"{SK} {base64.b64encode(SK_BLOB[: -len(_string(b'ssh:'))]).decode()} cut",
        "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",
        "my secret password",
        "",
    ],
)
def test_what_is_no_key_is_refused_and_not_quoted(text: str) -> None:
    _refused(text.replace("KEY64", ED25519).replace("BLOB", ED25519.split()[1]))


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
    _refused(data.decode().splitlines()[1])
    _refused(f"ssh-ed25519 {data.decode().splitlines()[1]} x")


def _refused(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        SSHKey.parse(text).check()
    message = str(caught.value)
    for word in text.split():
        assert len(word) < 12 or word not in message or word in {SK, *PRIVATE}
    return message
