"""
The account: its profile with the SSH keys, the clouds that it may deploy on, and what they offer.

The profile is an XML document that is read and written as a whole. It carries cloud passwords in
clear, so it is never logged and never part of a value that crosses a hook. The keys are lines of
one parameter. The server has no partial update and no version check, so every change is read,
compare, write, read again; what another writer changes between is kept. Sources:
SlipStreamServer, user/UserResource.java, persistence/User.java, resources/service_offer.clj,
resources/credential.clj.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

import attrs

from slipstream.backends import cimi, documents
from slipstream.backends.cimi import CimiBackend
from slipstream.backends.slipstream.dialect import XML, read_xml, require_status
from slipstream.errors import (
    DriverError,
    Forbidden,
    KeyPairConflict,
    KeyPairMissing,
    MalformedAnswer,
    UnknownName,
)
from slipstream.filters import Filter, attr
from slipstream.session import Session
from slipstream.transport.messages import Request, expect
from slipstream.values import Connector, ServiceOffer
from slipstream.values.fields import leads_elsewhere
from slipstream.values.plain import CONTROL_CHARACTERS
from slipstream.values.ssh_key import SSHKey

CONNECTOR = "connector/"
MOST_READINGS = 10  # of the profile for a change of keys, while others change them too
SSH_KEYS = "General.ssh.public.key"
DEFAULT_CLOUD = "General.default.cloud.service"
_SERVERS_OWN = "General.orchestrator.publicsshkey"
_NAMES = (".username", ".access.id")
_SECRETS = (".password", ".secret.key")
_VM: Filter = attr("resource:type").eq("VM")

Lines = list[str]


@attrs.frozen
class Profile:
    """One reading of the profile: the document, and its map of parameters."""

    root: Element = attrs.field(repr=False)
    entries: Element = attrs.field(repr=False)

    @classmethod
    def read(cls, session: Session, *, doing: str) -> Profile:
        """Read the profile of the logged-in user; an incomplete one is an error."""
        root = read_xml(session, _path(session), "user", doing=doing)
        entries = root.findall("parameters")
        if len(entries) != 1 or root.get("name") != user_name(session) or not _is_map(entries[0]):
            # What is missing here would be deleted on the server when it is written back.
            raise MalformedAnswer(
                f"Cannot {doing}: the server's profile is not complete.",
                hint="Nothing was changed. Try again later.",
            )
        return cls(root, entries[0])

    @property
    def connectors(self) -> set[str]:
        """
        The connectors that have a user name and a password.

        There is no flag for that; the server's own client decides it by the same names.
        """
        names, secrets = set(), set()
        for parameter in self.entries.iterfind("entry/parameter"):
            if parameter.findtext("value", ""):
                name, category = parameter.get("name", ""), parameter.get("category", "")
                if name.endswith(_NAMES):
                    names.add(category)
                elif name.endswith(_SECRETS):
                    secrets.add(category)
        return (names & secrets) - {"General", ""}

    @property
    def ssh_lines(self) -> list[str]:
        """The lines of the SSH key parameter, as they are."""
        text = self.values.get(SSH_KEYS, "").removesuffix("\n")
        return text.split("\n") if text else []

    @property
    def values(self) -> dict[str, str]:
        """The values of the parameters, by their names."""
        parameters = self.entries.iterfind("entry/parameter")
        return {p.get("name", ""): p.findtext("value", "") for p in parameters}

    def write_ssh_lines(self, session: Session, lines: list[str], *, doing: str) -> None:
        """Write the profile back with other SSH keys."""
        # Of what the server gives, it does not take these back.
        self.root.attrib.pop("roles", None)
        for entry in self.entries.findall(f"entry/parameter[@name='{_SERVERS_OWN}']/.."):
            self.entries.remove(entry)
        parameter = self.entries.find(f"entry/parameter[@name='{SSH_KEYS}']")
        if parameter is None:
            entry = SubElement(self.entries, "entry")
            SubElement(entry, "string").text = SSH_KEYS
            parameter = SubElement(entry, "parameter", name=SSH_KEYS, category="General")
        value = parameter.find("value")
        if value is None:
            value = SubElement(parameter, "value")
        value.text = "\n".join(lines)
        request = Request(
            method="PUT",
            path=_path(session),
            headers={**XML, "Content-Type": "application/xml"},
            # A reader would take a bare carriage return in a text for a line feed.
            body=tostring(self.root, encoding="utf-8").replace(b"\r", b"&#13;"),
            expects=expect(202),
        )
        response = session.send(request, doing=doing)
        require_status(response, 201, 202, doing=doing, hint="Look at list_key_pairs().")


def _is_map(entries: Element) -> bool:
    """
    Whether each entry of a map, which has some, holds one parameter under a key of its own, whose
    name is no other entry's key, and each parameter at most one value, which is a text.

    Two parameters may have one name, as a recorded server's have, but those of the SSH keys.
    """
    parameters = [entry.findall("parameter") for entry in entries]
    named = [each[0].get("name") for each in parameters if len(each) == 1]
    values = [parameter.findall("value") for parameter in entries.iterfind("entry/parameter")]
    if None in named or any(len(each) > 1 or any(map(len, each)) for each in values):
        return False
    keys = {e.findtext("string") or name: name for e, name in zip(entries, named, strict=False)}
    others = {name for key, name in keys.items() if name != key}
    is_one_each = 0 < len(keys) == len(named) == len(entries)
    return is_one_each and keys.keys().isdisjoint(others) and named.count(SSH_KEYS) < 2


def user_name(session: Session) -> str:
    """The name of the user who is logged in; it is read once for each login."""
    name = session.user_name
    if not name or leads_elsewhere(name) or CONTROL_CHARACTERS.search(name):
        raise MalformedAnswer("The server does not return the name of the logged-in user.")
    return name


def _path(session: Session) -> str:
    return f"/user/{quote(user_name(session), safe='@:')}"


def list_ssh_keys(backend: CimiBackend) -> Iterator[SSHKey]:
    """List the keys of the profile; lines that are no keys are left out."""
    return _keys_of(Profile.read(backend.session, doing="list SSH keys").ssh_lines)


def add_ssh_key(backend: CimiBackend, key: SSHKey) -> SSHKey:
    """Add a line, unless the user has the key under that name."""
    return _add(backend, key, lambda keys: cimi.existing_key(keys, key) is not None)


def ensure_key(backend: CimiBackend, key: SSHKey) -> None:
    """
    Add a key unless the user has it under any name; it is not removed later.

    The server puts every key of the profile into every machine, and reads them when the machines
    start (SlipStreamServer, jar-connector): it must be there before a deployment is created.
    """
    _add(backend, key, lambda keys: any(other.blob == key.blob for other in keys))


def _add(
    backend: CimiBackend, key: SSHKey, is_among: Callable[[Iterator[SSHKey]], bool]
) -> SSHKey:
    def add(lines: Lines) -> Lines:
        return lines if is_among(_keys_of(lines)) else [*lines, key.line]

    _change(backend, add, doing=f"add the SSH key {key.name!r}")
    return key


def delete_ssh_key(backend: CimiBackend, key: SSHKey) -> bool:
    """Remove the lines with this key and comment."""

    def remove(lines: Lines) -> Lines:
        rest = [line for line in lines if _read(line) != key]
        if len(rest) == len(lines):
            raise cimi.key_missing(key)
        return rest

    _change(backend, remove, doing=f"delete the SSH key {key.name!r}")
    return True


def _change(backend: CimiBackend, edit: Callable[[Lines], Lines], *, doing: str) -> None:
    """
    Change the lines: read, compare, write and read again, until no other change is lost.

    They are written after two readings that agree, and read once more.
    """
    session = backend.session
    before: dict[str, str] | None = None
    is_written = False
    with backend.key_lock:
        for _ in range(MOST_READINGS):
            try:
                profile = Profile.read(session, doing=doing)
                edited = edit(profile.ssh_lines)
            except KeyPairMissing:
                if is_written:
                    return
                raise
            except DriverError as error:
                error.may_have_happened |= is_written
                raise
            if edited == profile.ssh_lines:
                return
            previous, before = before, profile.values
            if before == previous:
                profile.write_ssh_lines(session, edited, doing=doing)
                is_written, before = True, None
    raise KeyPairConflict(
        f"Cannot {doing}: another program is changing the SSH keys of this account at the"
        " same time.",
        hint="Look at list_key_pairs(), then try again.",
    )


def _keys_of(lines: Lines) -> Iterator[SSHKey]:
    return (key for key in map(_read, lines) if key is not None)


def _read(line: str) -> SSHKey | None:
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    return cimi.read_key(line, "a line of the profile")


def list_service_offers(
    backend: CimiBackend, connector: str | None, usable_only: bool
) -> Iterator[ServiceOffer]:
    """List offers of machines; the profile and the credentials decide which are usable."""
    session, doing, where = backend.session, "list service offers", _VM
    if connector is not None:
        where &= _on(connector.removeprefix(CONNECTOR))
    elif usable_only:
        names = usable_connectors(backend, Profile.read(session, doing=doing))
        if not names:
            return
        with cimi.of_server(doing):
            where &= _on(*sorted(names))
    entry: cimi.Entry | None = None
    for entry in cimi.search(session, "service-offer", doing=doing, where=where):
        yield offer(entry)
    if entry is None and connector is not None:
        check_location(backend, connector)


def _on(*names: str) -> Filter:
    """What is on some connectors: the bare name is the rule, since v3.63 the id is valid too."""
    return cimi.either("connector/href", *names, *(CONNECTOR + name for name in names))


def check_location(backend: CimiBackend, location: str) -> None:
    """Refuse a location that is none of the user's; known ones are not looked up."""
    name = location.removeprefix(CONNECTOR)
    if name not in backend.locations:
        profile = Profile.read(backend.session, doing="list connectors")
        names = usable_connectors(backend, profile)
        if name not in names:
            raise UnknownName("location", location, names)


def list_connectors(backend: CimiBackend) -> Iterator[Connector]:
    """List usable connectors by name, with the countries from one search of the offers."""
    session = backend.session
    names = usable_connectors(backend, Profile.read(session, doing="list connectors"))
    countries: dict[str, str] = {}
    where = _VM & attr("resource:country").is_present()
    doing, select = "read the countries of the connectors", "id,connector,resource:country"
    offers = cimi.search(session, "service-offer", doing=doing, where=where, select=select)
    while len(countries) < len(names) and (entry := next(offers, None)):
        name, country = bare_connector(entry), documents.text(entry, "resource:country")
        if name in names and country:
            countries.setdefault(name, country)
    for name in sorted(names):
        yield Connector(id=CONNECTOR + name, name=name, country=countries.get(name))


def usable_connectors(backend: CimiBackend, profile: Profile) -> set[str]:
    """
    The names of the connectors that the user has credentials for.

    Credentials are what counts since v3.42, and the only trace of a privileged user's clouds
    since v3.48. Before, they hold nothing of clouds, and some accounts may not list them. A
    privileged user sees everybody's, and can use those that name it.
    """
    session, doing = backend.session, "list cloud credentials"
    where: Filter = attr("type").startswith("cloud-cred-")
    if profile.root.get("issuper") == "true":
        with cimi.of_server(doing):
            where &= cimi.either("acl/rules/principal", user_name(session))
    entries = cimi.search(session, "credential", doing=doing, where=where, select="id,connector")
    names = profile.connectors
    with suppress(Forbidden):
        names |= set(map(bare_connector, entries)) - {""}
    backend.locations |= names
    return names


def offer(entry: cimi.Entry) -> ServiceOffer:
    """Convert a service offer, or its copy inside a virtual machine, which has an ``href``."""
    label = documents.text(entry, "name") or documents.text(entry, "resource:instanceType")
    name = documents.text(entry, "id") or documents.text(entry, "href") or ""
    connector = bare_connector(entry)
    return ServiceOffer(
        id=name,
        name=label or name,
        connectors=[connector] if connector else [],
        cpu=documents.number(entry, "resource:vcpu"),
        ram=documents.number(entry, "resource:ram"),
        disk=documents.number(entry, "resource:disk"),
        price=documents.number(entry, "price:unitCost"),
        currency=documents.text(entry, "price:currency"),
        price_unit=documents.text(entry, "price:billingUnitCode"),
        country=documents.text(entry, "resource:country"),
        raw=entry,
    )


def bare_connector(entry: documents.Document) -> str:
    """The name of the connector of an entry, empty if there is none."""
    return (documents.href(entry, "connector") or "").removeprefix(CONNECTOR)
