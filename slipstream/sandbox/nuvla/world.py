"""The world of a sandbox of this family: controls for tests, seeds, and an overview."""

from __future__ import annotations

import base64
import copy
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from slipstream.sandbox.clock import iso
from slipstream.sandbox.nuvla import jobs, modules, parameters, sessions
from slipstream.sandbox.nuvla.deployments import placement
from slipstream.sandbox.nuvla.parameters import SITE, parameter_id
from slipstream.sandbox.nuvla.state import ADMIN, ANON, INTERNAL, USER, State, acl, managed_acl
from slipstream.sandbox.store import Document
from slipstream.sandbox.world import Login, Row, fill_in, read_seeds

WORDPRESS = "apps/WordPress/wordpress"
SWARM = "swarm-lausanne admin"


class World(State):
    def tick(self) -> None:
        with self.serving():
            jobs.advance(self, self.now())

    def overview(self) -> dict[str, list[Row]]:
        store = self.store
        deployments = list(store.collection("deployment"))
        deployments.sort(key=lambda deployment: str(deployment["created"]), reverse=True)
        edges = list(store.collection("nuvlabox"))
        # An edge stands for the service that runs on it, which has its name.
        hidden = {edge["name"] for edge in edges}
        services = [
            service
            for service in store.collection("infrastructure-service")
            if service["subtype"] != "helm-repo" and service["name"] not in hidden
        ]
        return {
            "deployments": [_deployment(self, deployment) for deployment in deployments],
            "machines": [_machine(self, service, deployments) for service in (*services, *edges)],
            "images": [
                Row(
                    path=module["path"],
                    kind=module["subtype"].replace("_", " "),
                    description=module.get("description", ""),
                )
                for module in store.collection("module")
                if module.get("published")
            ],
        }

    # What follows is for tests.

    def two_factor_code(self, username: str) -> str:
        """The current code of a user's second factor; a KeyError if there is none."""
        return sessions.code(self.second_factors[self.user_id(username)], self.now())

    def hold(self, identifier: str) -> None:
        """Let the jobs of a deployment stay in their states."""
        self.tick()
        self.held.add(identifier)

    def fail(self, identifier: str, reason: str) -> None:
        """Let the next job of a deployment fail with a reason, the last line of its message."""
        self.failures[identifier] = reason

    def set_parameter(self, deployment: str, name: str, value: str) -> None:
        with self.lock:
            self.tick()
            parameters.write(self, self.store[deployment], name, value, at=self.now())

    def add_deployments(
        self, number: int, *, user: str = "alice", state: str = "STOPPED"
    ) -> list[str]:
        """
        Add deployments of the seeded WordPress, one second apart, the last one newest.

        :returns: Their ids, oldest first.
        """
        with self.lock:
            owner, now = self.user_id(user), self.now()
            module = self._named("module", "path", WORDPRESS)
            version = f"{module['id']}_{len(module['versions']) - 1}"
            fields = placement(self, self._named("credential", "name", SWARM))
            copied = modules.with_content(self, module, version) | {"href": version}
            fields |= {"module": copied, "owner": owner}
            ids = [f"deployment/{self.ids.uuid()}" for _ in range(number)]
            for age, identifier in zip(range(number, 0, -1), ids, strict=True):
                at, rights = now - timedelta(seconds=age), (identifier,)
                fields |= {"id": identifier, "state": state}
                fields["acl"] = acl(owner, view_acl=rights, edit_data=rights)
                self.document("deployment", owner, fields, at=at)
            return ids

    def add_module(
        self,
        path: str,
        *,
        owner: str = "alice",
        contents: Sequence[Document | None] = (),
        published: bool = False,
        **fields: Any,
    ) -> str:
        """
        Add a module, shown to all users unless it is private.

        :param contents: The content of each version; None for a version that was deleted.
        :param published: Whether the newest version is published.
        :param fields: Further attributes, such as ``name`` and ``subtype``.
        :returns: Its id.
        """
        with self.lock:
            user = self.user_id(owner)
            viewers = () if path.startswith("private") else (USER,)
            fields |= {"path": path, "parent-path": path.rpartition("/")[0]}
            fields["acl"] = acl(user, view_data=viewers)
            module = self.document("module", user, fields)
            for content in contents:
                self.add_version(module["id"], content)
            if published:
                module["versions"][-1]["published"] = True
                module |= {"published": True, "updated-by": user}
            return str(module["id"])

    def add_version(self, module: str, content: Document | None) -> None:
        """Add a version to a module; without a content, one that was deleted."""
        document, version = self.store[module], None
        if content:
            kind, fields = modules.CONTENTS[document["subtype"]], {"created-by": INTERNAL}
            href = self.document(kind, ADMIN, fields | content)["id"]
            texts = {name: content[name] for name in ("author", "commit") if name in content}
            version = texts | {"href": href}
        document["versions"] = [*document.get("versions", []), version]

    def _named(self, kind: str, attribute: str, value: str) -> Document:
        documents = self.store.collection(kind)
        return next(document for document in documents if document.get(attribute) == value)

    def set_edge_online(self, name: str, *, online: bool) -> None:
        with self.lock:
            self.tick()
            for kind in ("nuvlabox", "nuvlabox-status", "infrastructure-service"):
                self.change(self._named(kind, "name", name)["id"], self.now(), online=online)

    def add_credential(self, service: str, *, user: str = "alice", name: str) -> Document:
        """Add a user's credential of an infrastructure service, by the service's id."""
        method = f"infrastructure-service-{self.store[service]['subtype']}"
        fields = {"name": name, "parent": service, "subtype": method, "method": method}
        fields |= dict.fromkeys(("ca", "cert", "key"), "-----BEGIN ...")
        owner = self.user_id(user)
        return self.document("credential", owner, fields, acl=managed_acl(owner))


def plant(world: World) -> dict[str, Login]:
    seeds = copy.deepcopy(read_seeds(__package__))
    logins = {name: _user(world, name) for name in ("alice", "bob", "carol", "super")}
    carol = world.user_id("carol")
    world.second_factors[carol] = base64.b32encode(world.ids.secret().encode()).decode()
    names = {name: world.user_id(name) for name in logins} | {"now": iso(world.now())}
    for series in seeds["series"]:
        for row in series.get("rows", [{}]):
            ids = {kind: f"{kind}/{world.ids.uuid()}" for kind in series["documents"]}
            for kind, fields in series["documents"].items():
                document = fill_in(fields, names | row | ids | {"row": row})
                world.document(kind, names["alice"], {"id": ids[kind]} | document)
    for age, module in enumerate(seeds["modules"]):
        # Lists begin with the newest one: they have the order of the file.
        created = iso(world.now() - timedelta(milliseconds=age))
        description = f"{module['name']}, of the sandbox"
        world.add_module(description=description, created=created, **module)
    return logins


def _user(world: World, name: str) -> Login:
    identifier = f"user/{world.ids.uuid()}"
    password = world.ids.password(name)
    world.document(
        "user",
        identifier,
        {"auth-method-2fa": "totp" if name == "carol" else None},
        id=identifier,
        name=name,
        email=f"{name}@example.org",
        state="ACTIVE",
        method="username-password",
        credential_password=f"credential/{world.ids.uuid()}",
        created_by=ADMIN,
        updated_by=INTERNAL,
        acl=managed_acl(identifier),
    )
    world.passwords[identifier] = password
    secret, fields = world.new_api_key(identifier, [identifier, USER, ANON])
    fields |= {"name": "sandbox", "description": f"the API key that {name} begins with"}
    fields |= {"subtype": "api-key", "acl": managed_acl(identifier)}
    key = world.document("credential", identifier, fields)
    return Login(username=name, password=password, key=key["id"], secret=secret)


_TONES: dict[str, str] = {"STARTED": "good", "UPDATED": "good", "ERROR": "bad", "STOPPED": "over"}


def _deployment(world: World, deployment: Document) -> Row:
    module, state = deployment["module"], deployment["state"]
    identifier, jobs = deployment["id"], world.store.collection("job")
    mine = [job for job in jobs if job["target-resource"]["href"] == identifier]
    job = max(mine, key=lambda job: str(job["created"]), default={})
    site = world.store.get(parameter_id(deployment["id"], SITE)) or {}
    owner = world.store.get(deployment["owner"]) or {}
    message = job.get("status-message", "").strip()
    return Row(
        id=deployment["id"],
        name=deployment.get("name") or module["name"],
        image=module["path"],
        owner=str(owner.get("name", deployment["owner"])),
        place=deployment.get("nuvlabox-name") or deployment.get("infrastructure-service-name", ""),
        state=state,
        tone=_TONES.get(state, "moving"),
        progress=job.get("progress", 0),
        failure=message.rpartition("\n")[2] if state == "ERROR" else "",
        path=f"/{site['value']}" if state == "STARTED" and "value" in site else "",
    )


def _machine(world: World, service: Document, deployments: list[Document]) -> Row:
    is_edge = service["resource-type"] == "nuvlabox"
    key = "nuvlabox" if is_edge else "infrastructure-service"
    users = sum(item.get(key) == service["id"] for item in deployments)
    is_online = service.get("online", True)
    status = world.store.get(service.get("nuvlabox-status", "")) or {}
    return Row(
        name=service["name"],
        place="edge" if is_edge else service["subtype"],
        state="online" if is_online else "offline",
        tone="good" if is_online else "over",
        address=status.get("ip", "") or service.get("endpoint", ""),
        use=f"{users} deployment{'' if users == 1 else 's'}",
    )
