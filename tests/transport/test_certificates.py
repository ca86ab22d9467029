from __future__ import annotations

import logging
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import libcloud.security
import pytest
from authority import Authority, Pair, tls
from endpoints_under_test import LiveEndpoint
from servers import front, listening, mute
from urllib3.exceptions import InsecureRequestWarning

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import BadInput, NoAnswer

NOWHERE = "http://127.0.0.1:9"


def test_a_private_authority_is_trusted_by_the_driver_that_is_told_to(
    endpoint: LiveEndpoint, authority: Authority, server: Pair
) -> None:
    with front(endpoint.url, tls=tls(server)) as url:
        driver = endpoint.login(ex_endpoint=url, ex_ca_cert=str(authority.certificate))
        assert driver.list_nodes() == []
        with pytest.raises(
            NoAnswer, match=r"is not trusted: .*ex_ca_cert.*CA_CERTS_PATH"
        ) as caught:
            endpoint.login(ex_endpoint=url, secure=False)
    assert not caught.value.may_have_happened


def test_the_authorities_may_stand_in_a_directory(
    endpoint: LiveEndpoint,
    authority: Authority,
    server: Pair,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="slipstream")
    shutil.copy(authority.certificate, tmp_path / "one.pem")
    with pytest.raises(BadInput, match=r"ex_ca_cert: the directory .*openssl rehash"):
        endpoint.login(ex_ca_cert=tmp_path)
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    with front(endpoint.url, tls=tls(server)) as url:
        assert endpoint.login(ex_endpoint=url, ex_ca_cert=tmp_path).list_nodes() == []
    assert f"--capath {tmp_path}" in caplog.text
    assert "--cacert" not in caplog.text


def test_what_the_environment_trusts_does_not_count(
    endpoint: LiveEndpoint,
    authority: Authority,
    stranger: Authority,
    server: Pair,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with front(endpoint.url, tls=tls(server)) as url:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(stranger.certificate))
        assert endpoint.login(ex_endpoint=url, ex_ca_cert=authority.certificate).list_nodes() == []
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(authority.certificate))
        for trusted in (libcloud.security.CA_CERTS_PATH, None):
            monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", trusted)
            with pytest.raises(NoAnswer, match="is not trusted"):
                endpoint.login(ex_endpoint=url, ex_verify=True)


@pytest.mark.parametrize("as_list", [False, True])
def test_the_globals_of_libcloud_count_when_the_driver_is_made(
    endpoint: LiveEndpoint,
    authority: Authority,
    stranger: Authority,
    server: Pair,
    monkeypatch: pytest.MonkeyPatch,
    as_list: bool,
) -> None:
    def trust(one: Authority) -> None:
        path = str(one.certificate)
        monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", [path] if as_list else path)

    with front(endpoint.url, tls=tls(server)) as url:
        trust(authority)
        driver = endpoint.login(ex_endpoint=url)
        trust(stranger)
        assert driver.list_nodes() == []
        assert endpoint.login(ex_endpoint=url, ex_ca_cert=authority.certificate).list_nodes() == []
        with pytest.raises(NoAnswer, match="is not trusted"):
            endpoint.login(ex_endpoint=url)


def test_certificates_that_are_not_checked_give_one_warning_and_change_no_other_driver(
    endpoint: LiveEndpoint, authority: Authority, server: Pair
) -> None:
    with front(endpoint.url, tls=tls(server)) as url:
        careful = endpoint.login(ex_endpoint=url, ex_ca_cert=authority.certificate)
        filters = list(warnings.filters)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            careless = endpoint.login(ex_endpoint=url, ex_verify=False)
            assert careless.list_nodes() == []
            assert careless.list_locations()
        assert [(one.category.__name__, Path(one.filename).name) for one in seen] == [
            ("UncheckedCertificate", "endpoints_under_test.py")
        ]
        assert warnings.filters == filters
        assert (libcloud.security.VERIFY_SSL_CERT, careful.list_nodes()) == (True, [])


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_the_global_that_checks_nothing_is_overruled_by_the_driver(
    endpoint: LiveEndpoint, authority: Authority, server: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libcloud.security, "VERIFY_SSL_CERT", False)
    with front(endpoint.url, tls=tls(server)) as url:
        assert endpoint.login(ex_endpoint=url).list_nodes() == []
        with pytest.raises(NoAnswer, match="is not trusted"):
            endpoint.login(ex_endpoint=url, ex_verify=True)
        assert endpoint.login(ex_endpoint=url, ex_ca_cert=authority.certificate).list_nodes() == []


def test_plain_http_is_warned_of_by_nobody(endpoint: LiveEndpoint) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", InsecureRequestWarning)
        assert endpoint.login(ex_verify=False).list_nodes() == []


def test_a_certificate_for_another_host_is_refused_with_the_reason(
    endpoint: LiveEndpoint, authority: Authority, elsewhere: Pair
) -> None:
    with (
        front(endpoint.url, tls=tls(elsewhere)) as url,
        pytest.raises(NoAnswer, match=r"is for another host: .*Use the host name"),
    ):
        endpoint.login(ex_endpoint=url, ex_ca_cert=authority.certificate)


@pytest.mark.parametrize("form", ["pair", "list", "one file"])
def test_a_certificate_of_the_client_is_shown_to_a_server_that_demands_one(
    endpoint: LiveEndpoint, authority: Authority, server: Pair, client: Pair, form: str
) -> None:
    forms: dict[str, Any] = {
        "pair": (str(client.certificate), client.key),
        "list": [client.certificate, client.key],
        "one file": client.both,
    }
    with front(endpoint.url, tls=tls(server, clients=authority)) as url:
        trusting = {"ex_endpoint": url, "ex_ca_cert": authority.certificate}
        assert endpoint.login(**trusting, ex_client_cert=forms[form]).list_nodes() == []


def test_a_server_that_demands_a_certificate_says_how_to_give_it(
    endpoint: LiveEndpoint, authority: Authority, stranger: Authority, server: Pair
) -> None:
    with front(endpoint.url, tls=tls(server, clients=authority)) as url:
        trusting = {"ex_endpoint": url, "ex_ca_cert": authority.certificate}
        with pytest.raises(NoAnswer, match="ex_client_cert"):
            endpoint.login(**trusting)
        with pytest.raises(NoAnswer, match="ex_client_cert"):
            endpoint.login(**trusting, ex_client_cert=stranger.issue("spy").both)


def test_an_endpoint_that_is_not_encrypted_is_told_apart_from_a_bad_certificate(
    endpoint: LiveEndpoint,
) -> None:
    with pytest.raises(NoAnswer, match="If it speaks plain http there, write http://"):
        endpoint.login(ex_endpoint=endpoint.url.replace("http:", "https:"))


def _paths(request: pytest.FixtureRequest, folder: Path) -> dict[str, tuple[dict[str, Any], str]]:
    client: Pair = request.getfixturevalue("client")
    encrypted: Pair = request.getfixturevalue("encrypted")
    server: Pair = request.getfixturevalue("server")
    empty: Path = request.getfixturevalue("empty")
    missing = folder / "missing.pem"
    return {
        "no authority": ({"ex_ca_cert": missing}, f"ex_ca_cert: {missing} cannot be read"),
        "empty authority": ({"ex_ca_cert": empty}, "holds no certificate in PEM format"),
        "no path": ({"ex_ca_cert": ""}, "ex_ca_cert is empty"),
        "a zero": ({"ex_ca_cert": "a\0b"}, "ex_ca_cert is"),
        "both": ({"ex_ca_cert": server.certificate, "ex_verify": False}, "Leave one of them out"),
        "no client": ({"ex_client_cert": missing}, "ex_client_cert: .*missing.pem cannot be read"),
        "no key": (
            {"ex_client_cert": (client.certificate, missing)},
            "ex_client_cert: .*missing.pem cannot be read",
        ),
        "a directory": ({"ex_client_cert": folder}, "ex_client_cert: .* cannot be read"),
        "key left out": ({"ex_client_cert": client.certificate}, "no certificate with its key"),
        "empty client": ({"ex_client_cert": empty}, "no certificate with its key"),
        "wrong key": (
            {"ex_client_cert": (client.certificate, server.key)},
            "belongs to another certificate",
        ),
        "encrypted": ({"ex_client_cert": encrypted.both}, "is encrypted.*openssl pkey"),
        "encrypted key": (
            {"ex_client_cert": (encrypted.certificate, encrypted.key)},
            r"encrypted\.key is encrypted",
        ),
    }


@pytest.mark.parametrize(
    "case",
    [
        *("no authority", "empty authority", "no path", "a zero", "both", "no client", "no key"),
        *("a directory", "key left out", "empty client", "wrong key", "encrypted"),
        "encrypted key",
    ],
)
def test_files_that_cannot_be_used_are_refused_before_anything_is_sent(
    case: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    options, sentence = _paths(request, tmp_path)[case]
    with listening(mute) as port, pytest.raises(BadInput, match=sentence) as caught:
        SlipStreamNodeDriver(
            "alice", "secret", ex_endpoint=f"http://127.0.0.1:{port}", timeout=0.05, **options
        )
    assert "PRIVATE" not in str(caught.value)


def test_a_global_that_names_no_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcloud.security, "CA_CERTS_PATH", "/missing.pem")
    with pytest.raises(BadInput, match=r"libcloud\.security\.CA_CERTS_PATH: /missing\.pem cannot"):
        SlipStreamNodeDriver("alice", "secret", ex_endpoint=NOWHERE)


@pytest.mark.parametrize(
    "options",
    [
        {"ex_verify": "/etc/ca.pem"},
        {"ex_verify": 0},
        {"ex_ca_cert": True},
        {"ex_client_cert": 5},
        {"ex_client_cert": ("one",)},
        {"ex_client_cert": ("one", None)},
    ],
    ids=repr,
)
def test_what_is_no_path_at_all_is_a_type_error(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(options))):
        SlipStreamNodeDriver("alice", "secret", ex_endpoint=NOWHERE, **options)
