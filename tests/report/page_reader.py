"""Reads the report as a browser would: elements, their text, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def all(self, tag: str | None = None, **attributes: str | None) -> list[Element]:
        found = []
        for child in self.children:
            if isinstance(child, Element):
                names = {name.replace("_", "-"): value for name, value in attributes.items()}
                fits = all(
                    name in child.attributes and (value is None or child.attributes[name] == value)
                    for name, value in names.items()
                )
                if (tag is None or child.tag == tag) and fits:
                    found.append(child)
                found += child.all(tag, **attributes)
        return found

    def text_without(self, *attributes: str, tags: tuple[str, ...] = ("style", "title")) -> str:
        """Text that does not stand in an element with one of these attributes or tags."""
        if self.tag in tags or any(name in self.attributes for name in attributes):
            return " "
        return "".join(
            c if isinstance(c, str) else c.text_without(*attributes, tags=tags)
            for c in self.children
        )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("#root", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, dict(attrs), self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


def read_page(page: str) -> Element:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.tag}> is never closed"
    return reader.root
