from __future__ import annotations

from pathlib import Path

import pytest
from authority import Authority, Pair


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that has not signed the server's certificate."""
    return Authority(tmp_path_factory.mktemp("other-authority"), "Another authority")


@pytest.fixture(scope="session")
def server(authority: Authority) -> Pair:
    return authority.issue("server", "127.0.0.1", "localhost")


@pytest.fixture(scope="session")
def client(authority: Authority) -> Pair:
    return authority.issue("client")


@pytest.fixture(scope="session")
def encrypted(authority: Authority) -> Pair:
    """A client's certificate whose key needs a passphrase."""
    return authority.issue("encrypted", passphrase="a passphrase")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "empty.pem"
    path.write_text("nothing\n")
    return path
