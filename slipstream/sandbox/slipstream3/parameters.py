"""A parameter as the XML documents hold it: of a module, of a user, of a run."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from slipstream.sandbox.slipstream3.xmltext import Element, entries


@attrs.define
class Parameter:
    """
    A named value with what the web page needs to show it.

    :param name: The name.
    :param value: The value; None for not set.
    :param default: The default value.
    :param category: ``Input``, ``Output``, ``Cloud``, ``General`` or a connector's name.
    :param type: ``String``, ``Text``, ``Password``, ``Enum``...
    :param description: A few words.
    :param mandatory: Whether it should be filled in.
    :param order: Place on the page.
    :param instructions: A longer help text.
    :param choices: What an ``Enum`` may be.
    """

    name: str
    value: str | None = None
    default: str | None = None
    category: str = attrs.field(default="General", kw_only=True)
    type: str = attrs.field(default="String", kw_only=True)
    description: str = attrs.field(default="", kw_only=True)
    mandatory: bool = attrs.field(default=False, kw_only=True)
    readonly: bool = attrs.field(default=False, kw_only=True)
    order: int = attrs.field(default=0, kw_only=True)
    instructions: str | None = attrs.field(default=None, kw_only=True)
    choices: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    mapped: bool | None = attrs.field(default=None, kw_only=True)
    tells_set: bool = attrs.field(default=False, kw_only=True)

    def element(self) -> Element:
        """
        Describe the parameter.

        :returns: The ``parameter`` element.
        """
        return Element(
            "parameter",
            {
                "name": self.name,
                "description": self.description or None,
                "category": self.category,
                "mandatory": self.mandatory,
                "type": self.type,
                "readonly": self.readonly,
                "order_": self.order,
                "order": self.order,
                "isMappedValue": self.mapped,
                "isSet": bool(self.value) if self.tells_set else None,
            },
            [
                _text("instructions", self.instructions),
                _choices(self.choices),
                _text("value", self.value),
                _text("defaultValue", self.default),
            ],
        )


def _text(name: str, text: str | None) -> Element | None:
    return None if text is None else Element(name, text=text, cdata=True)


def _choices(choices: tuple[str, ...]) -> Element | None:
    return string_array("enumValues", choices) if choices else None


def string_array(name: str, texts: Iterable[str]) -> Element:
    """
    Write an array of strings.

    :param name: The element's name.
    :param texts: The strings.
    :returns: The element, with its ``length``.
    """
    children = [Element("string", text=text) for text in texts]
    return Element(name, {"length": len(children)}, children)


def parameter_map(
    parameters: Iterable[Parameter], *, kind: str | None = None, name: str = "parameters"
) -> Element:
    """
    Write parameters as a map.

    :param parameters: The parameters.
    :param kind: The ``class`` attribute.
    :param name: The element's name.
    :returns: The element.
    """
    pairs = [(one.name, one.element()) for one in parameters]
    return Element(name, {"class": kind}, entries(pairs))


def read_parameters(parent: Iterable[tuple[dict[str, str], dict[str, str]]]) -> list[Parameter]:
    """
    Make parameters from attributes and texts read in a document.

    :param parent: For each one its attributes and the texts of its children.
    :returns: The parameters; those without a name are left out.
    """
    return [
        Parameter(
            attributes["name"],
            texts.get("value"),
            texts.get("defaultValue"),
            category=attributes.get("category", "General"),
            type=attributes.get("type", "String"),
            description=attributes.get("description", ""),
            mandatory=attributes.get("mandatory") == "true",
            readonly=attributes.get("readonly") == "true",
            order=int(attributes.get("order", "0")),
            instructions=texts.get("instructions"),
            tells_set="isSet" in attributes,
        )
        for attributes, texts in parent
        if attributes.get("name")
    ]
