"""Reads a page as a browser would, as far as tests need it."""

from __future__ import annotations

import base64
import io
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import numpy.typing as npt
from PIL import Image

_VOID = {"meta", "img", "link", "br"}


class Page(HTMLParser):
    """The tags, attributes, texts and images of a page; fails where tags do not match.

    Attributes:
        tags: How often each tag occurs.
        found: Every tag with its attributes, in order.
        texts: Text by the tag that holds it.
        text: All text outside the style sheet.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(html)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def text(self) -> str:
        return "".join(text for tag, text in self.texts if tag != "style")

    def attributes(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every such tag."""
        return [attributes for name, attributes in self.found if name == tag]

    def images(self) -> list[npt.NDArray[np.uint8]]:
        """Every image inside the page, HTML or SVG, decoded."""
        sources = [each["src"] for each in self.attributes("img")]
        sources += [each["href"] for each in self.attributes("image")]
        return [decoded(source) for source in sources]


def decoded(source: str) -> npt.NDArray[np.uint8]:
    """Decode a data URI of a PNG."""
    head, data = source.split(",", 1)
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return np.asarray(image)
