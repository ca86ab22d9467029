from __future__ import annotations

import logging
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import libcloud.security
import pytest
from authority import Authority, Pair, tls
from endpoints_under_test import Driver, LiveEndpoint
from servers import front, listening, mute

from slipstream.libcloud.errors import BadInput, NoAnswer

NOWHERE = "http://127.0.0.1:9"
on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
Login = Callable[..., Driver]


@pytest.fixture
def login(endpoint: LiveEndpoint, server: Pair) -> Iterator[Login]:
    """Make drivers that reach the endpoint encrypted."""
    with front(endpoint.url, tls=tls(server)) as url:
        yield lambda **options: endpoint.login(ex_endpoint=url, **options)


def test_private_authority_of_the_driver_is_trusted(login: Login, authority: Authority) -> None:
    assert login(ex_ca_cert=str(authority.certificate)).list_nodes() == []
    with pytest.raises(NoAnswer, match=r"is not trusted: .*ex_ca_cert.*CA_CERTS_PATH") as caught:
        login(secure=False)
    assert not caught.value.may_have_happened


@on_slipstream
def test_directory_of_authorities_is_trusted(
    login: Login, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="slipstream")
    shutil.copy(authority.certificate, tmp_path / "one.pem")
    with pytest.raises(BadInput, match=r"ex_ca_cert: the directory .*openssl rehash"):
        login(ex_ca_cert=tmp_path)
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    assert login(ex_ca_cert=tmp_path).list_nodes() == []
    assert f"--capath {tmp_path}" in caplog.text
    assert "--cacert" not in caplog.text


@on_slipstream
@pytest.mark.parametrize("as_list", [False, True])
def test_authorities_of_libcloud_are_read_when_the_driver_is_made(
    login: Login, authority: Authority, other_authority: Authority, monkeypatch: Any, as_list: bool
) -> None:
    def trust(authority: Authority) -> None:
        path = str(authority.certificate)
        monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", [path] if as_list else path)

    trust(authority)
    driver = login()
    trust(other_authority)
    assert driver.list_nodes() == []
    assert login(ex_ca_cert=authority.certificate).list_nodes() == []
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(authority.certificate))
    with pytest.raises(NoAnswer, match="is not trusted"):
        login()
    monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", None)
    with pytest.raises(NoAnswer, match="is not trusted"):
        login(ex_verify=True)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(other_authority.certificate))
    assert login(ex_ca_cert=authority.certificate).list_nodes() == []


def test_unchecked_certificates_give_one_warning(login: Login, authority: Authority) -> None:
    careful = login(ex_ca_cert=authority.certificate)
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        careless = login(ex_verify=False)
        assert careless.list_nodes() == []
        assert careless.list_locations()
    assert [(item.category.__name__, Path(item.filename).name) for item in caught] == [
        ("UncheckedCertificate", "endpoints_under_test.py")
    ]
    assert warnings.filters == filters
    assert (libcloud.security.VERIFY_SSL_CERT, careful.list_nodes()) == (True, [])


@on_slipstream
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_driver_overrules_libcloud_which_checks_nothing(
    login: Login, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libcloud.security, "VERIFY_SSL_CERT", False)
    assert login().list_nodes() == []
    with pytest.raises(NoAnswer, match="is not trusted"):
        login(ex_verify=True)
    assert login(ex_ca_cert=authority.certificate).list_nodes() == []


@on_slipstream
def test_plain_http_is_not_warned_of(endpoint: LiveEndpoint) -> None:
    assert endpoint.login(ex_verify=False).list_nodes() == []
    with pytest.raises(NoAnswer, match="If it speaks plain http there, write http://"):
        endpoint.login(ex_endpoint=endpoint.url.replace("http:", "https:"))


@on_slipstream
def test_certificate_for_another_host(endpoint: LiveEndpoint, authority: Authority) -> None:
    elsewhere = authority.issue("elsewhere", "elsewhere.example.org")
    with (
        front(endpoint.url, tls=tls(elsewhere)) as url,
        pytest.raises(NoAnswer, match=r"is for another host: .*Use the host name"),
    ):
        endpoint.login(ex_endpoint=url, ex_ca_cert=authority.certificate)


@on_slipstream
def test_client_certificate(
    endpoint: LiveEndpoint,
    authority: Authority,
    other_authority: Authority,
    server: Pair,
    client: Pair,
) -> None:
    with front(endpoint.url, tls=tls(server, clients=authority)) as url:
        options: Any = {"ex_endpoint": url, "ex_ca_cert": authority.certificate}
        forms = (str(client.certificate), client.key), [client.certificate, client.key]
        for form in (*forms, client.both):
            assert endpoint.login(**options, ex_client_cert=form).list_nodes() == []
        for wrong in (None, other_authority.issue("spy").both):
            with pytest.raises(NoAnswer, match="ex_client_cert"):
                endpoint.login(**options, ex_client_cert=wrong)


UNUSABLE = "ex_client_cert: .* cannot be read"
WRONG_FILES: list[tuple[dict[str, Any], str]] = [
    ({"ex_ca_cert": "missing"}, "ex_ca_cert: .*missing.pem cannot be read"),
    ({"ex_ca_cert": "empty"}, "holds no certificate in PEM format"),
    ({"ex_ca_cert": "server", "ex_verify": False}, "Leave one of them out"),
    ({"ex_ca_cert": ""}, "ex_ca_cert is empty"),
    ({"ex_ca_cert": "a\0b"}, "ex_ca_cert is"),
    ({"ex_client_cert": "missing"}, UNUSABLE),
    ({"ex_client_cert": ("client", "missing")}, UNUSABLE),
    ({"ex_client_cert": "folder"}, UNUSABLE),
    ({"ex_client_cert": "client"}, "no certificate with its key"),
    ({"ex_client_cert": "empty"}, "no certificate with its key"),
    ({"ex_client_cert": ("client", "server key")}, "belongs to another certificate"),
    ({"ex_client_cert": "encrypted"}, "is encrypted.*openssl pkey"),
    ({"ex_client_cert": ("client", "encrypted key")}, r"encrypted\.key is encrypted"),
]


@pytest.mark.parametrize(("options", "message"), WRONG_FILES, ids=repr)
def test_certificate_files_that_cannot_be_used(
    options: dict[str, Any],
    message: str,
    client: Pair,
    encrypted: Pair,
    server: Pair,
    empty: Path,
    tmp_path: Path,
) -> None:
    files = {
        "missing": tmp_path / "missing.pem",
        "folder": tmp_path,
        "empty": empty,
        "client": client.certificate,
        "server": server.certificate,
        "server key": server.key,
        "encrypted": encrypted.both,
        "encrypted key": encrypted.key,
    }

    def file(value: Any) -> Any:
        return tuple(map(file, value)) if type(value) is tuple else files.get(value, value)

    options = {name: file(value) for name, value in options.items()}
    with listening(mute) as port:
        options |= {"ex_endpoint": f"http://127.0.0.1:{port}", "timeout": 0.05}
        with pytest.raises(BadInput, match=message) as caught:
            Driver("alice", "secret", **options)
    assert "PRIVATE" not in str(caught.value)


def test_certificate_file_of_libcloud_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", "/missing.pem")
    with pytest.raises(BadInput, match=r"libcloud\.security\.CA_CERTS_PATH: /missing\.pem cannot"):
        Driver("alice", "secret", ex_endpoint=NOWHERE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("ex_verify", value) for value in ("/etc/ca.pem", 0)),
        ("ex_ca_cert", True),
        *(("ex_client_cert", value) for value in (5, ("one",), ("one", None))),
    ],
)
def test_certificate_option_of_a_wrong_type(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=name):
        Driver("alice", "secret", ex_endpoint=NOWHERE, **{name: value})  # type: ignore[arg-type]
