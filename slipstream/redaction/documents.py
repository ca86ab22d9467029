"""The secrets in JSON, XML and forms, found by the names they stand under."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus
from xml.etree.ElementTree import Element

import attrs

from slipstream.redaction.policy import Policy
from slipstream.values.plain import NAMING, VALUE_NAMES, squeezed


@attrs.frozen
class Documents:
    """Walks over documents.

    :param policy: What replaces a secret.
    :param text: Redacts a text that stands under a harmless name.
    """

    policy: Policy
    text: Callable[[str], str]

    def json(self, value: Any) -> Any:
        """Redact a JSON document."""
        if isinstance(value, dict):
            return {self.text(name): self._member(name, value) for name in value}
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            # A code of digits may have become a number on its way.
            shown = self.text(str(value))
            return value if shown == str(value) else shown
        return self.text(value) if isinstance(value, str) else value

    def _member(self, name: str, members: Mapping[str, Any]) -> Any:
        exception = self.policy.exception(name, members)
        if exception is not None:
            return exception
        announced = self.policy.announces(name) or (
            squeezed(name) in VALUE_NAMES
            and (_is_password(members.get("type")) or self._any_announces(members.items()))
        )
        return self._hidden(members[name]) if announced else self.json(members[name])

    def _hidden(self, value: Any) -> Any:
        """Whether there is something may show; what it is may not."""
        if value is None or isinstance(value, bool) or value in ("", [], {}):
            return value
        if isinstance(value, str) or not self.policy.keep_form:
            return self.policy.replace(str(value))
        if isinstance(value, dict):
            return {name: self._hidden(item) for name, item in value.items()}
        return [self._hidden(item) for item in value] if isinstance(value, list) else 0

    def _any_announces(self, members: Iterable[tuple[str, object]]) -> bool:
        return any(
            isinstance(value, str)
            and squeezed(_local(name)) in NAMING
            and self.policy.announces(value)
            for name, value in members
        )

    def form(self, source: str) -> str:
        """Redact a form, or the query of a URL."""
        fields = [field.partition("=") for field in source.split("&")]
        pairs = [(unquote_plus(name), unquote_plus(value)) for name, _, value in fields]
        paired, members = self._any_announces(pairs), dict(pairs)

        def redacted(name: str, equals: str, value: str) -> str:
            plain = unquote_plus(name)
            shown = self.policy.exception(plain, members)
            if shown is None and (
                self.policy.announces(plain) or (paired and squeezed(plain) in VALUE_NAMES)
            ):
                shown = self.policy.replace(unquote_plus(value))
            if shown is None:
                shown = self.text(unquote_plus(value))
            return f"{_encoded(name, self.text(plain))}{equals}{_encoded(value, shown)}"

        return "&".join(redacted(*field) for field in fields)

    def xml(self, element: Element, *, secret: bool = False) -> None:
        """Redact an XML document in place."""
        secret = secret or self.policy.announces(_local(element.tag))
        named = secret or self._says_so(element)
        for name, value in element.attrib.items():
            hidden = secret or self.policy.announces(_local(name))
            hidden = hidden or (named and squeezed(_local(name)) in VALUE_NAMES)
            element.set(name, self._content(value, secret=hidden))
        element.text = self._content(element.text, secret=named)
        # A map is written as entries of a name and what stands under it. The first is the name:
        # the secret itself may hold a word such as "password".
        naming = next((child for child in element if self._names_a_secret(child)), None)
        for child in element:
            left = naming is not None and child is not naming and not self._says_so(child)
            self.xml(child, secret=named or left)
            child.tail = self._content(child.tail, secret=named or naming is not None)

    def _says_so(self, element: Element) -> bool:
        return _is_password(element.get("type")) or self._any_announces(element.items())

    def _names_a_secret(self, element: Element) -> bool:
        names = len(element) == 0 and squeezed(_local(element.tag)) in NAMING | {"string"}
        return names and self.policy.announces(element.text or "")

    def _content(self, value: str | None, *, secret: bool) -> str:
        if not value or not value.strip():
            return value or ""
        return self.policy.replace(value) if secret else self.text(value)


def _is_password(kind: object) -> bool:
    return isinstance(kind, str) and kind.lower() == "password"


def _encoded(before: str, plain: str) -> str:
    return before if unquote_plus(before) == plain else quote_plus(plain, safe="*")


def _local(name: object) -> str:
    return str(name).rpartition("}")[2]
