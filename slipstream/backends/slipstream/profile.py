"""
The user's profile, an XML document that is read and written as a whole.

It carries cloud passwords in clear, so it is never logged and never part of a value that
crosses a hook. Source: SlipStreamServer, user/UserResource.java, persistence/User.java.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

import attrs

from slipstream.backends.outcomes import require_status
from slipstream.backends.slipstream import xml
from slipstream.backends.slipstream.dialect import user_name
from slipstream.errors import MalformedAnswer
from slipstream.session import Session
from slipstream.session.dry_run import expect
from slipstream.transport.messages import Request

XML = {"Accept": "application/xml"}
SSH_KEYS = "General.ssh.public.key"
_DEFAULT_CLOUD = "General.default.cloud.service"
_SERVERS_OWN = "General.orchestrator.publicsshkey"
_NAMES = (".username", ".access.id")
_SECRETS = (".password", ".secret.key")


@attrs.frozen
class Profile:
    """
    One reading of the profile.

    :param root: The document.
    :param entries: Its map of parameters.
    """

    root: Element = attrs.field(repr=False)
    entries: Element = attrs.field(repr=False)

    @classmethod
    def read(cls, session: Session, *, doing: str) -> Profile:
        """
        Read the profile of the user who is logged in.

        :param session: The logged-in session.
        :param doing: What it is read for, in words that go after "Cannot".
        :raises MalformedAnswer: If it is not the whole profile of that user.
        """
        request = Request(method="GET", path=_path(session), headers=XML, repeatable=True)
        root = xml.parse(session.send(request, doing=doing), "user")
        entries = root.findall("parameters")
        if len(entries) != 1 or root.get("name") != user_name(session) or not _is_map(entries[0]):
            # What is missing here would be deleted on the server when it is written back.
            raise MalformedAnswer(
                f"Cannot {doing}: the profile that the server gave is not complete.",
                endpoint=session.endpoint.url,
                hint="Nothing was changed. Try again later.",
            )
        return cls(root, entries[0])

    @property
    def privileged(self) -> bool:
        """Whether the user may see and change what belongs to others."""
        return xml.flag(self.root, "issuper")

    @property
    def connectors(self) -> set[str]:
        """
        The connectors that have a user name and a password.

        There is no flag for that; the server's own client decides it by the same names.
        """
        names, secrets = set(), set()
        for parameter in self._parameters():
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
        return self._value(SSH_KEYS).splitlines()

    @property
    def default_cloud(self) -> str:
        """The cloud that is meant when none is named, empty if there is none."""
        return self._value(_DEFAULT_CLOUD)

    def write_ssh_lines(self, session: Session, lines: list[str], *, doing: str) -> None:
        """
        Write the profile back with other SSH keys.

        :param session: The logged-in session.
        :param lines: The lines of the SSH key parameter.
        :param doing: What it is written for, in words that go after "Cannot".
        """
        # Of what the server gives, it does not take these back.
        self.root.attrib.pop("roles", None)
        for entry in self.entries.findall(f"entry/parameter[@name='{_SERVERS_OWN}']/.."):
            self.entries.remove(entry)
        parameter = self._parameter(SSH_KEYS)
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
            body=tostring(self.root, encoding="utf-8"),
            expects=expect(202),
        )
        response = session.send(request, doing=doing)
        hint = "Look at list_key_pairs()."
        require_status(session, response, {201, 202}, doing=doing, hint=hint)

    def _parameters(self) -> Iterator[Element]:
        return self.entries.iterfind("entry/parameter")

    def _parameter(self, name: str) -> Element | None:
        return next((p for p in self._parameters() if p.get("name") == name), None)

    def _value(self, name: str) -> str:
        parameter = self._parameter(name)
        return "" if parameter is None else parameter.findtext("value", "")


def _is_map(entries: Element) -> bool:
    """Whether each entry of a map, which has some, holds one parameter under a key of its own."""
    parameters = [entry.findall("parameter") for entry in entries]
    named = [each[0].get("name") for each in parameters if len(each) == 1]
    if len(named) != len(entries) or None in named:
        return False
    keys = {e.findtext("string") or name for e, name in zip(entries, named, strict=True)}
    return 0 < len(keys) == len(entries)


def _path(session: Session) -> str:
    return f"/user/{quote(user_name(session), safe='@:')}"
