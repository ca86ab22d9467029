"""No call of Nuvla's own client is left out, and it is the published one."""

from __future__ import annotations

from pathlib import Path

from driving import Official, proven

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
# What builds modules, which the sandbox does not take.
_BUILDERS = ("ModuleBuilder", "ProjectBuilder", "AppBuilder", "AppBuilderHelm")


def test_every_public_call_works_or_is_known_not_to(official: Official) -> None:
    public = official.public()
    works = proven(Path(__file__).parent)
    builders = {name for name in public if name.partition(".")[0].endswith(_BUILDERS)}
    known = set(_CANNOT_WORK) | set(_NOT_PLAYED) | builders

    assert len(public) >= 100
    assert sorted(public - works - known) == []
    assert sorted((works | known) - public) == []
    assert not works & known


def test_client_is_the_last_one_that_was_published(official: Official) -> None:
    assert official.version() == "4.2.3"
