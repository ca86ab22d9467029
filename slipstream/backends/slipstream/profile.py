"""
The user's profile, an XML document that is read and written as a whole.

It carries cloud passwords in clear, so it is never logged and never part of a value that
crosses a hook. Source: SlipStreamServer, user/UserResource.java, persistence/User.java.
"""

from __future__ import annotations

from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

import attrs

from slipstream.backends.outcomes import require_status
from slipstream.backends.slipstream import xml
from slipstream.backends.slipstream.dialect import user_name
from slipstream.session import Session
from slipstream.session.dry_run import expect
from slipstream.transport.messages import Request

XML = {"Accept": "application/xml"}
SSH_KEYS = "General.ssh.public.key"
_DEFAULT_CLOUD = "General.default.cloud.service"
_FOREIGN = "General.orchestrator.publicsshkey"
_NAMES = (".username", ".access.id")
_SECRETS = (".password", ".secret.key")


@attrs.frozen
class Profile:
    """
    One reading of the profile.

    :param root: The document.
    """

    root: Element = attrs.field(repr=False)

    @classmethod
    def read(cls, session: Session, *, doing: str) -> Profile:
        """
        Read the profile of the user who is logged in.

        :param session: The logged-in session.
        :param doing: What it is read for, in words that go after "Cannot".
        """
        answer = session.send(
            Request(method="GET", path=_path(session), headers=XML, repeatable=True), doing=doing
        )
        return cls(xml.parse(answer, "user"))

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
        named, secret = set(), set()
        for parameter in xml.entries(self.root, "parameters", "parameter"):
            if parameter.findtext("value", ""):
                name, category = parameter.get("name", ""), parameter.get("category", "")
                if name.endswith(_NAMES):
                    named.add(category)
                elif name.endswith(_SECRETS):
                    secret.add(category)
        return (named & secret) - {"General", ""}

    @property
    def ssh_lines(self) -> list[str]:
        """The lines of the SSH key parameter, as they are."""
        return self._read(SSH_KEYS).splitlines()

    @property
    def default_cloud(self) -> str:
        """The cloud that is meant when none is named, empty if there is none."""
        return self._read(_DEFAULT_CLOUD)

    def _read(self, name: str) -> str:
        for parameter in xml.entries(self.root, "parameters", "parameter"):
            if parameter.get("name") == name:
                return parameter.findtext("value", "")
        return ""

    def write_ssh_lines(self, session: Session, lines: list[str], *, doing: str) -> None:
        """
        Write the profile back with other SSH keys.

        :param session: The logged-in session.
        :param lines: The lines of the SSH key parameter.
        :param doing: What it is written for, in words that go after "Cannot".
        """
        self._value(self._prepare()).text = "\n".join(lines)
        response = session.send(
            Request(
                method="PUT",
                path=_path(session),
                headers={**XML, "Content-Type": "application/xml"},
                body=tostring(self.root, encoding="utf-8"),
                expects=expect(202),
            ),
            doing=doing,
        )
        require_status(
            session, response, {201, 202}, doing=doing, hint="Look at list_key_pairs()."
        )

    def _prepare(self) -> Element:
        """The parameters, once what the server gives but does not take back is out."""
        self.root.attrib.pop("roles", None)
        parameters = self.root.find("parameters")
        if parameters is None:
            parameters = SubElement(self.root, "parameters")
        for entry in parameters.findall("entry"):
            parameter = entry.find("parameter")
            if parameter is not None and parameter.get("name") == _FOREIGN:
                parameters.remove(entry)
        return parameters

    def _value(self, parameters: Element) -> Element:
        for parameter in xml.entries(self.root, "parameters", "parameter"):
            if parameter.get("name") == SSH_KEYS:
                break
        else:
            entry = SubElement(parameters, "entry")
            SubElement(entry, "string").text = SSH_KEYS
            parameter = SubElement(entry, "parameter", name=SSH_KEYS, category="General")
        value = parameter.find("value")
        return SubElement(parameter, "value") if value is None else value


def _path(session: Session) -> str:
    return f"/user/{quote(user_name(session), safe='@:')}"
