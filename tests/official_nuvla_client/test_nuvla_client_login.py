"""Nuvla's own client logs in, acts for a group, and no call of it is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from driving import Client, ClientFailure, Connect, Official, proven

from slipstream.sandbox import Sandbox

_WEEK = 7 * 24 * 3600
_GROUP = "group/acme"
# What no server of today answers as the client wants it, and why.
_CANNOT_WORK = {
    "Deployment.init_logs": "it sends 'service', and the server wants 'components'",
    "Deployment.terminate": "it deletes at once what is still stopping: a 409",
    "InfraServiceK8s.create_from_config": "it hands on a file's name for the parsed file",
    "AppBuilderHelm.helm_repo_creds": "it writes 'helm-repo-creds' for 'helm-repo-cred': a 400",
}
# What a server answers and the sandbox does not, and why.
_NOT_PLAYED = {
    "hook": "sends e-mail, or is called by identity providers and shops",
    "Callback.create": "carries out what links in e-mail ask for",
    "DataObjectS3.create": "needs an S3 store beside the server",
    "DataObjectS3.get_content": "needs an S3 store beside the server",
    "DataObjectS3.get_to_file": "needs an S3 store beside the server",
    "DataObjectS3.delete": "needs an S3 store beside the server",
    "DataRecord.create": "describes data, which no deployment needs",
    "Notification.create": "says something in the web interface",
    "Notification.exists_with_content_unique_id": "says something in the web interface",
    "Notification.find_by_content_unique_id": "says something in the web interface",
    "InfraService.create": "adds where things can run",
    "Module.create": "writes modules",
    "Module.update": "writes modules",
    "User.create": "administers users",
    "delete_bulk": "changes many resources at once",
    "edit_patch": "edits by JSON patch, which the server itself fails on in most types",
    "operation_bulk": "changes many resources at once",
}
# What an application writes of its own deployment, which no client of a user does.
_FROM_INSIDE = {
    *("Deployment.set_state", "Deployment.set_state_started", "Deployment.set_state_stopped"),
    *("Deployment.set_state_error", "Deployment.create_parameter", "Deployment.set_parameter"),
    *("Deployment.set_parameter_create_if_needed", "Deployment.set_parameter_ignoring_errors"),
    *("Deployment.update_port_parameters", "Deployment.get_port_name_value"),
}
# What builds modules, which the sandbox does not take, and credentials for new services.
_BUILDERS = ("ModuleBuilder", "ProjectBuilder", "AppBuilder", "AppBuilderHelm", "KubeConfig")
_BUILDERS += ("Credential", "COE", "K8s", "DockerSwarm", "S3", "DockerRegistry")


@pytest.mark.proves("login_password", "current_session", "is_authenticated", "get")
def test_user_name_and_password_open_a_session(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()
    assert client.is_authenticated() is False

    answer = client.login_password(sandbox.username, sandbox.password)

    assert answer["status"] == 201
    assert answer["json"]["resource-id"] == client.current_session()
    assert client.is_authenticated() is True
    session = client.get(client.current_session()).data
    assert (session["method"], session["identifier"]) == ("password", sandbox.username)
    assert session["user"] == sandbox.world.user_id(sandbox.username)


@pytest.mark.proves("login_internal")
def test_old_name_of_the_password_login_still_works(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()

    assert client.login_internal(sandbox.username, sandbox.password)["status"] == 201
    assert client.is_authenticated() is True


@pytest.mark.proves("login_apikey", "search")
def test_api_key_opens_a_session_of_the_keys_owner(connect: Connect, sandbox: Sandbox) -> None:
    client = connect()

    answer = client.login_apikey(sandbox.key, sandbox.secret)

    assert answer["status"] == 201
    [session] = client.search("session").data["resources"]
    assert session["method"] == "api-key"
    assert session["user"] == sandbox.world.user_id(sandbox.username)


@pytest.mark.proves("login")
def test_login_by_parameters_sends_them_as_they_are(connect: Connect, sandbox: Sandbox) -> None:
    template = {"href": "session-template/password"}
    template |= {"username": sandbox.username, "password": sandbox.password}

    answer = connect().login(template)

    assert answer["status"] == 201
    assert sandbox.journal[-1].json == {"template": template}


@pytest.mark.proves("logout")
def test_logout_deletes_the_session(alice: Client, sandbox: Sandbox) -> None:
    session = alice.current_session()

    alice.logout()

    assert sandbox.world.store.get(session) is None
    assert alice.is_authenticated() is False
    with pytest.raises(ClientFailure, match="credentials required") as caught:
        alice.search("deployment")
    assert caught.value.status == 403


@pytest.mark.proves("User.login")
@pytest.mark.parametrize("how", ["password", "api-key"])
def test_view_on_users_tells_a_user_name_from_an_api_key(
    connect: Connect, sandbox: Sandbox, how: str
) -> None:
    pairs = {
        "password": (sandbox.username, sandbox.password),
        "api-key": (sandbox.key, sandbox.secret),
    }

    client = connect().of("User").login(*pairs[how])

    assert client.get(client.current_session()).data["method"] == how


@pytest.mark.proves("User.login_password", "User.login_apikey", "User.can_switch_groups")
def test_view_on_users_hands_out_a_client_that_is_logged_in(
    connect: Connect, sandbox: Sandbox
) -> None:
    user, machine = connect().of("User"), connect().of("User")

    assert user.login_password(sandbox.username, sandbox.password).is_authenticated() is True
    assert machine.login_apikey(sandbox.key, sandbox.secret).is_authenticated() is True
    # The client's own opinion: the server would let both of them.
    assert (user.can_switch_groups(), machine.can_switch_groups()) == (True, False)


@pytest.mark.proves("User.login", "User.current_session", "User.current_session_id", "User.logout")
def test_view_on_users_tells_of_the_session_and_ends_it(
    connect: Connect, sandbox: Sandbox
) -> None:
    user = connect().of("User")
    user.login(sandbox.username, sandbox.password)

    assert user.current_session()["id"] == user.current_session_id()

    user.logout()
    assert user.current_session_id() is None
    with pytest.raises(ClientFailure, match="No session found"):
        user.current_session()


@pytest.mark.proves("User.switch_group")
def test_client_acts_for_a_group(connect: Connect, sandbox: Sandbox) -> None:
    user = connect().of("User")
    user.login(sandbox.username, sandbox.password)

    client = user.switch_group(_GROUP)

    assert user.current_session()["active-claim"] == _GROUP
    made = client.add("infrastructure-service-group", {"name": "of the group"}).data
    assert client.get(made["resource-id"]).data["acl"]["owners"] == [_GROUP]

    user.switch_group(sandbox.world.user_id(sandbox.username))
    assert user.current_session()["active-claim"] == sandbox.world.user_id(sandbox.username)


def test_every_public_call_works_or_is_known_not_to(official: Official) -> None:
    public = official.public()
    works = proven(Path(__file__).parent)
    builders = {name for name in public if name.partition(".")[0].endswith(_BUILDERS)}
    known = set(_CANNOT_WORK) | set(_NOT_PLAYED) | _FROM_INSIDE | builders

    assert len(public) >= 100
    assert sorted(public - works - known) == []
    assert sorted((works | known) - public) == []
    assert not works & known


def test_client_is_the_last_one_that_was_published(official: Official) -> None:
    assert official.version() == "4.2.3"
