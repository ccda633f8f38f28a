"""Items of RSS and Atom feeds, streamed by a parser that expands no entities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, NamedTuple
from xml.sax import SAXException
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.xmlreader import AttributesNSImpl

from defusedxml import DefusedXmlException
from defusedxml.expatreader import create_parser

from findalike.data.catalogue.base import shown
from findalike.errors import CatalogueError

GOOGLE_NAMESPACE = "http://base.google.com/ns/1.0"
_ITEMS = ("item", "entry")
_MIXED = ("title", "description", "summary", "content")
_ROOTS = ("rss", "feed", "rdf")
_CHUNK = 1 << 16
_MAX_SILENCE = 16 << 20
_MAX_DEPTH = 64
_MAX_FIELDS = 1000
_MAX_CHARACTERS = 1 << 20


class FeedItem(NamedTuple):
    """One item: the texts of its elements by local name, and the line it starts on.

    ``fault`` says why an item that is too large was cut, else it is "".
    """

    row: int
    fields: dict[str, list[str]]
    fault: str


class _ItemHandler(ContentHandler):
    """Collects finished items; whoever feeds the parser takes them away.

    Where an element is there both in Google's namespace and in another, Google's counts. Elements
    with elements of their own, such as shipping, are passed over, but for marked-up texts.
    """

    def __init__(self, line: Callable[[], int | None]) -> None:
        super().__init__()
        self.items: list[FeedItem] = []
        self.root = ""
        self.events = 0
        self._line = line
        self._path: list[str] = []
        self._item_depth = 0
        self._reset(0)

    def _reset(self, row: int) -> None:
        self._row = row
        self._fields: dict[str, list[str]] = {}
        self._google: set[str] = set()
        self._text: list[str] = []
        self._nested = False
        self._count = self._characters = 0
        self._fault = ""

    def startElementNS(  # noqa: N802
        self, name: tuple[str | None, str], qname: str | None, attrs: AttributesNSImpl
    ) -> None:
        self.events += 1
        local = name[1]
        self._path.append(local)
        if len(self._path) > _MAX_DEPTH:
            raise CatalogueError(f"elements are nested more than {_MAX_DEPTH} deep")
        if not self.root:
            self.root = local
        if not self._item_depth and local.lower() in _ITEMS:
            self._item_depth = len(self._path)
            self._reset(self._line() or 0)
        if self._item_depth and len(self._path) > self._item_depth + 1:
            self._nested = True
            return
        self._text = []
        self._nested = False
        href = (None, "href")
        is_page = attrs.get((None, "rel"), "alternate") == "alternate"
        if self._item_depth and local == "link" and href in attrs and is_page:
            self._text = [str(attrs[href])]

    def characters(self, content: str) -> None:
        self.events += 1
        if self._item_depth and not self._fault:
            self._characters += len(content)
            if self._characters > _MAX_CHARACTERS:
                self._fault = f"item of more than {_MAX_CHARACTERS:,} characters"
            self._text.append(content)

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802
        self.events += 1
        space, local = name
        depth = len(self._path)
        self._path.pop()
        if not self._item_depth:
            return
        if depth == self._item_depth:
            self.items.append(FeedItem(self._row, self._fields, self._fault))
            self._item_depth = 0
        elif depth == self._item_depth + 1:
            if not self._nested or local.lower() in _MIXED:
                self._keep(space, local.lower(), "".join(self._text).strip())
            self._text = []

    def _keep(self, space: str | None, local: str, text: str) -> None:
        self._count += 1
        if self._count > _MAX_FIELDS:
            self._fault = f"item of more than {_MAX_FIELDS:,} elements"
        if self._fault or not text:
            return
        is_google = space == GOOGLE_NAMESPACE
        if is_google and local not in self._google:
            self._google.add(local)
            self._fields[local] = [text]
        elif is_google or local not in self._google:
            self._fields.setdefault(local, []).append(text)


def feed_items(stream: IO[bytes], name: str) -> Iterator[FeedItem]:
    """The items of a feed, one at a time.

    Raises:
        CatalogueError: if it is not well-formed XML, is no feed, or declares entities.
    """
    parser = create_parser()
    handler = _ItemHandler(parser.getLineNumber)
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(handler)
    silence = 0
    try:
        while chunk := stream.read(_CHUNK):
            before = handler.events
            parser.feed(chunk)
            silence = 0 if handler.events > before else silence + len(chunk)
            if silence > _MAX_SILENCE:
                raise CatalogueError(f"{name} has a tag or comment of more than 16 MiB")
            yield from handler.items
            handler.items.clear()
            _check_root(handler.root, name)
        parser.close()
        yield from handler.items
    except DefusedXmlException as error:
        raise CatalogueError(
            f"{name} declares entities or external files ({type(error).__name__}), which are "
            f"not read: export the feed without a DOCTYPE"
        ) from error
    except SAXException as error:
        _check_root(handler.root, name)
        where = f"line {getattr(error, 'getLineNumber', lambda: '?')()}"
        raise CatalogueError(
            f"{name} is not well-formed XML at {where}: {error.getMessage()}. Nothing is read of "
            f"a damaged feed; make it anew"
        ) from error


def _check_root(root: str, name: str) -> None:
    if root and root.lower() not in _ROOTS:
        raise CatalogueError(
            f"{name} is XML or HTML, but <{shown(root)}> is no RSS or Atom feed: give a Google "
            f"Merchant feed, or export CSV"
        )
