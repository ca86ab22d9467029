"""The world of a sandbox of this family: controls for tests, seeds, and an overview."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from slipstream.sandbox.slipstream3 import lifecycle
from slipstream.sandbox.slipstream3.launch import finished_run
from slipstream.sandbox.slipstream3.records import Machine, Module, ModuleNode, Parameter, Run
from slipstream.sandbox.slipstream3.state import (
    DEFAULT_CLOUD,
    SSH_KEY,
    Account,
    State,
    acl,
    cloud_parameters,
    general_parameters,
    granted,
    role,
)
from slipstream.sandbox.store import Document
from slipstream.sandbox.world import Login, Row, fill_in, read_seeds


class World(State):
    def tick(self) -> None:
        now = self.now()
        for run in list(self.runs.values()):
            lifecycle.advance(self, run, now)

    def overview(self) -> dict[str, list[Row]]:
        runs = sorted(self.runs.values(), key=lambda run: run.created, reverse=True)
        modules = {module.path: module for module in self.library.modules() if module.published}
        images = [
            Row(
                path=path,
                kind="application" if module.nodes else "component",
                description=module.description,
            )
            for path, module in modules.items()
        ]
        return {
            "deployments": [_deployment(self, run) for run in runs],
            "machines": [_machine(self, own) for own in self.store.collection("virtual-machine")],
            "images": images,
        }

    def run(self, uuid: str) -> Run:
        """Find a deployment, up to date; a KeyError if there is none."""
        with self.lock:
            self.tick()
            return self.runs[uuid]

    def abort_run(self, uuid: str, reason: str) -> None:
        with self.lock:
            lifecycle.abort(self, self.run(uuid), reason, self.now())

    def hold_run(self, uuid: str) -> None:
        self.run(uuid).held = True

    def set_parameter(self, uuid: str, key: str, value: str) -> None:
        with self.lock:
            run = self.run(uuid)
            run.put(key, value)

    def add_runs(
        self, number: int, *, user: str = "alice", module: str = "apps/WordPress/wordpress"
    ) -> list[str]:
        """
        Add deployments that run, one second apart, the last one newest.

        :returns: Their ids, oldest first.
        """
        with self.lock:
            start = self.now() - timedelta(seconds=number)
            times = [start + timedelta(seconds=offset) for offset in range(number)]
            added = [finished_run(self, user, module, at) for at in times]
            self.runs.update({run.uuid: run for run in added})
        return [run.uuid for run in added]

    def add_machine(
        self, *, user: str = "alice", cloud: str = "exoscale-ch-gva", state: str = "running"
    ) -> Document:
        """Add a virtual machine that was not started by this server, and return its document."""
        with self.lock:
            machine = Machine(group="", cloud=cloud, instance=self.ids.uuid())
            machine.ip = self.ids.address()
            return lifecycle.describe_machine(self, machine, owner=user, word=state)


_BIRTH = datetime(2015, 3, 24, 18, 7, 21, 746000, UTC)
_CREATED = datetime(2016, 2, 1, 10, 0, 0, 79000, UTC)
_DISKS = (10, 50, 100, 200)


def plant(state: State) -> dict[str, Login]:
    seeds = copy.deepcopy(read_seeds(__package__))
    rights = acl(role("USER", "VIEW"), role("ADMIN", "ALL"))
    for name, cloud in sorted(seeds["clouds"].items()):
        image = seeds["images"][0]["images"][name]
        connector = fill_in(seeds["connector"], {"name": name, "image": image} | cloud)
        state.connectors[name] = state.document("connector", **connector, acl=rights)
    readers = acl(*(role(reader, "VIEW") for reader in ("USER", "ADMIN", "ANON")))
    for row in seeds["templates"]:
        template = fill_in(seeds["template"], row | {"row": row})
        state.document("session-template", **template, acl=readers)
    for fields in _offers(seeds):
        state.document("service-offer", **fields, acl=rights)
    base = f"module/{seeds['images'][0]['path']}"
    sections: dict[str, dict[str, Any]] = {
        "projects": {"category": "Project"},
        "images": {"category": "Image", "is_base": True},
        "components": {"category": "Image", "is_base": False, "reference": base},
        "applications": {"category": "Deployment"},
    }
    for section, common in sections.items():
        for seed in seeds[section]:
            state.library.add(_module(**common, **seed))
    for name in seeds["users"]:
        state.accounts[name] = _account(state, name, seeds)
    return {name: _login(state, account) for name, account in state.accounts.items()}


def _offers(seeds: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, cloud in seeds["clouds"].items():
        for size in seeds["sizes"][name]:
            yield from (_sized(seeds, name, size, disk) for disk in _DISKS)
        yield fill_in(seeds["bucket"], cloud | {"cloud": name})
    for odd in seeds["odd_offers"]:
        fields = _sized(seeds, odd["cloud"], odd["size"], _DISKS[0]) | odd["with"]
        yield {key: value for key, value in fields.items() if key not in odd["without"]}


def _sized(seeds: dict[str, Any], name: str, text: str, disk: int) -> dict[str, Any]:
    size, *numbers = text.split()
    cloud, (cpu, ram) = seeds["clouds"][name], map(int, numbers)
    texts = {"cpu": cpu, "ram": ram, "disk": disk, "size": size, "cloud": name}
    price = cloud["factor"] * (0.008 * cpu + 0.000004 * ram + 0.0001 * disk)
    fields: dict[str, Any] = fill_in(seeds["offer"], texts | cloud)
    fields |= {"resource:vcpu": cpu, "resource:ram": ram, "resource:disk": disk}
    return fields | {"price:unitCost": round(price, 6)}


def _module(
    *,
    owner: str = "sixsq",
    published: bool = False,
    inputs: Mapping[str, str] = MappingProxyType({}),
    outputs: Mapping[str, str] = MappingProxyType({}),
    nodes: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    **fields: Any,
) -> Module:
    parameters = [_parameter("Output", *row) for row in outputs.items()]
    parameters += [_parameter("Input", *row) for row in inputs.items()]
    return Module(
        owner=owner,
        public=frozenset({"Get", "Post"} if owner == "sixsq" else ()),
        created=_CREATED,
        modified=_CREATED.replace(microsecond=5000),
        published=_CREATED if published else None,
        parameters=parameters,
        nodes=[ModuleNode(name=name, **node) for name, node in nodes.items()],
        **fields,
    )


def _parameter(category: str, name: str, text: str) -> Parameter:
    description, _, value = text.partition(" | ")
    return Parameter(
        name,
        value or None,
        value or None,
        category=category,
        type="Password" if "password" in name else "String",
        description=description,
        mandatory=True,
        shows_set=True,
    )


def _account(state: State, name: str, seeds: dict[str, Any]) -> Account:
    seed = seeds["users"][name]
    first_name, last_name = seed["name"].split()
    clouds, keys = seed["clouds"], "\n".join(seed["keys"])
    values = {DEFAULT_CLOUD: clouds[0] if clouds else "", SSH_KEY: keys}
    parameters = list(general_parameters(sorted(state.connectors), values))
    for cloud, fields in seeds["clouds"].items():
        kind, login = fields["kind"], ("", "")
        if cloud in clouds:
            login = (f"{name.upper()}-{kind}", f"{kind}-{name}-pass")
            row = {"cloud": cloud, "kind": kind, "key": login[0], "secret": login[1]}
            credential, rights = fill_in(seeds["credential"], row), granted(name, "MODIFY")
            state.document("credential", **credential, acl=rights)
        parameters += cloud_parameters(cloud, login, fields["login"])
    return Account(
        name=name,
        password=state.ids.password(name),
        email=f"{name}@example.org",
        first_name=first_name,
        last_name=last_name,
        organization="ACME",
        super=seed.get("super", False),
        created=_BIRTH,
        modified=_BIRTH,
        parameters={parameter.name: parameter for parameter in parameters},
    )


def _login(state: State, account: Account) -> Login:
    token = f"provider.{account.name}.{state.ids.uuid()}"
    state.provider_tokens[token] = account.name
    key, secret = state.add_api_key(account, name="sandbox")
    return Login(
        username=account.name, password=account.password, key=key, secret=secret, token=token
    )


_WAY = ("Initializing", "Provisioning", "Executing", "SendingReports", "Ready")


def _machine(world: World, document: Document) -> Row:
    run = world.runs.get(document.get("deployment", {}).get("href", "").partition("/")[2])
    names = {machine.document: machine.group for machine in run.machines} if run else {}
    return Row(
        name=names.get(document["id"]) or document["instanceID"],
        place=document["connector"]["href"].partition("/")[2],
        state=document["state"],
        tone="good" if document["state"] == "running" else "moving",
        address=document.get("ip", ""),
        use=_name(run) if run else "",
    )


def _deployment(world: World, run: Run) -> Row:
    documents = [world.store.get(machine.document or "") or {} for machine in run.machines]
    running = sum(document.get("state") == "running" for document in documents)
    noun = "machine" if len(documents) == 1 else "machines"
    is_up = run.state in {"Ready", "Finalizing"} and run.url.startswith(world.base_url)
    tone = "over" if run.ended else "good" if run.state == "Ready" else "moving"
    return Row(
        id=run.uuid,
        name=_name(run),
        image=run.module.path,
        owner=run.owner,
        place=", ".join(run.clouds),
        state=run.state,
        tone="bad" if run.abort_reason else tone,
        progress=100 * _WAY.index(run.state) // 4 if run.state in _WAY else 100,
        machines="" if run.ended else f"{running} of {len(documents)} {noun} running",
        failure=run.abort_reason,
        path=run.url.removeprefix(world.base_url) if is_up else "",
    )


def _name(run: Run) -> str:
    return run.tags.partition(",")[0] or run.module.name
