"""SSH key pairs for tests."""

from __future__ import annotations

from pathlib import Path

import attrs
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from libcloud.compute.base import NodeAuthSSHKey

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcXWY+fsvBE1hYIURRt9IdlseO7BiQ1wWjWx8EqwrGz"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILSSbaV6YtS3GWUVXjFm881NqhWzZo+fmWZb2dx9NLZO"


@attrs.frozen(kw_only=True)
class Pair:
    """A key pair as ``ssh-keygen`` leaves it: a file with the private key, and the public line."""

    file: Path
    public: str

    @property
    def auth(self) -> NodeAuthSSHKey:
        return NodeAuthSSHKey(self.public)


def make_pair(folder: Path, name: str) -> Pair:
    key = ed25519.Ed25519PrivateKey.generate()
    file = folder / name
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return Pair(file=file, public=f"{public} {name}")
