"""HTML and truth of a page's content, written side by side so that they agree."""

import textwrap
from collections.abc import Iterable
from html import escape
from random import Random
from urllib.parse import quote, urlsplit

from pipeline.sample_web.idioms import BASE_FOLDER, IDIOMS, WRAPPED, Placed
from pipeline.sample_web.parts import Ledger, Reel, Resource, Shot
from pipeline.sample_web.pictures import MIME
from schemas.records import Role


class PageWriter:
    """Writes the content of one page.

    Attributes:
        url: of the page.
        rng: chooses markup, never words.
        ledger: the truth so far.
        idiom: of the image being written, for its line in the truth.
        base: the page's base href, or "".
        edited: numbers of the paragraphs that a copier changed.
    """

    def __init__(self, url: str, rng: Random, first_idiom: str, edited: Iterable[int] = ()) -> None:
        parts = urlsplit(url)
        self.url = url
        self.rng = rng
        self.ledger = Ledger()
        self.idiom = first_idiom
        self.site = f"{parts.scheme}://{parts.netloc}"
        self.base = f"{self.site}{BASE_FOLDER}" if first_idiom == "base_href" else ""
        self.edited = frozenset(edited)
        self._paragraphs = 0
        self._html: list[str] = []
        self._first = first_idiom

    def html(self) -> str:
        """The content's HTML."""
        return "\n".join(self._html)

    def raw(self, html: str) -> None:
        """HTML that is no content: an advertisement, a byline."""
        self._html.append(html)

    def next_idiom(self) -> str:
        """The page's own idiom first, then any."""
        first, self._first = self._first, ""
        return first or self.rng.choice([name for name in IDIOMS if name != "base_href"])

    def heading(self, level: int, text: str) -> None:
        """A heading."""
        self.ledger.text(text, Role.HEADING)
        self.raw(f"<h{level}>{escape(text, quote=False)}</h{level}>")

    def paragraph(self, text: str) -> None:
        """A paragraph, with some words marked and the source wrapped as editors do."""
        self._paragraphs += 1
        if self._paragraphs in self.edited:
            text = f"{text.removesuffix('.')}, or so it is said."
        self.ledger.text(text, Role.PARAGRAPH)
        self.raw(f"<p>{self._marked(text)}</p>")

    def quote(self, text: str) -> None:
        """A quotation set apart."""
        self.ledger.text(text, Role.QUOTE)
        inner = self._marked(text)
        self.raw(f"<blockquote>{self._either(inner, f'<p>{inner}</p>')}</blockquote>")

    def listing(self, texts: Iterable[str]) -> None:
        """An unordered list."""
        items = []
        for text in texts:
            self.ledger.text(text, Role.LIST_ITEM)
            items.append(f"<li>{escape(text, quote=False)}</li>")
        self.raw("<ul>\n" + "\n".join(items) + "\n</ul>")

    def _either(self, first: str, second: str) -> str:
        return first if self.rng.random() < 0.5 else second

    def _marked(self, text: str) -> str:
        words = [escape(word, quote=False) for word in text.split()]
        if len(words) > 12 and self.rng.random() < 0.35:
            start = self.rng.randrange(2, len(words) - 4)
            tag = self.rng.choice(("em", "strong", "b", "i", "a", "span"))
            attributes = f' href="/tag/{start}"' if tag == "a" else ""
            words[start] = f"<{tag}{attributes}>{words[start]}"
            words[start + self.rng.randrange(3)] += f"</{tag}>"
        html = " ".join(words)
        return textwrap.fill(html, 88, break_long_words=False) if self.rng.random() < 0.4 else html

    def publish(self, shot: Shot, path: str, site: str = "") -> str:
        """The ASCII URL under which the shot's bytes can be fetched from now on.

        Args:
            shot: the image.
            path: on the server, as people write it: spaces and other letters are escaped here.
            site: scheme, host and port where it is not the page's own.
        """
        url = shot.url or _ascii_site(site or self.site) + quote(path, safe="/?&=,%:@+~")
        self.ledger.images.setdefault(url, shot.as_truth(url, self.idiom))
        if shot.file is not None:
            mime = MIME[shot.file.format]
            self.ledger.resources.setdefault(url, Resource(url, mime, shot.file.data))
        elif len(shot.name) % 2:  # half of the dead links answer 404, the others not at all
            body = b"<!doctype html><title>404</title><p>Not here."
            self.ledger.resources.setdefault(url, Resource(url, "text/html", body, 404))
        return url

    def photo(self, shot: Shot, idiom: str = "") -> None:
        """An image with its caption, in the given idiom or the next one."""
        idiom = "absolute" if shot.url else idiom or self.next_idiom()
        if self.base and idiom in ("relative", "parent_relative"):
            idiom = "base_href"
        self.idiom = idiom
        placed = IDIOMS[idiom](self, shot)
        if idiom in WRAPPED:
            self._wrapped(placed, shot, idiom)
        elif shot.caption and idiom in ("figure", "figure_link"):
            self._figure(placed, shot)
        elif shot.caption and self.rng.random() < 0.75:
            self._either_figure(placed, shot)
        else:
            self.see(placed, shot, "")
            tag = self.rng.choice(("p", "div"))
            self.raw(f"<{tag}>{placed.html}</{tag}>")

    def see(self, placed: Placed, shot: Shot, caption: str) -> None:
        """An image that a reader sees next."""
        self.ledger.content.append(
            {
                "kind": "image",
                "url": placed.url,
                "alt": placed.alt,
                "caption": caption,
                "purpose": shot.purpose,
                "also": list(placed.also),
            }
        )

    def _either_figure(self, placed: Placed, shot: Shot) -> None:
        if self.rng.random() < 0.8:
            self._figure(placed, shot)
            return
        self.see(placed, shot, shot.caption)
        self.ledger.text(shot.caption, Role.CAPTION)
        caption = f'<p class="wp-caption-text">{escape(shot.caption, quote=False)}</p>'
        self.raw(f'<div class="wp-caption aligncenter">{placed.html}\n{caption}</div>')

    def _figure(self, placed: Placed, shot: Shot) -> None:
        self.see(placed, shot, shot.caption)
        self.ledger.text(shot.caption, Role.CAPTION)
        caption = f"<figcaption>{escape(shot.caption, quote=False)}</figcaption>"
        self.raw(f"<figure>\n{placed.html}\n{caption}\n</figure>")

    def _wrapped(self, placed: Placed, shot: Shot, idiom: str) -> None:
        """An image inside a paragraph, a cell or a list item, with words after it."""
        text = shot.caption or shot.description
        words = escape(text, quote=False)
        self.see(placed, shot, "")
        match idiom:
            case "td":
                self.ledger.text(text, Role.TABLE_CELL)
                self.raw(f"<table><tr><td>{placed.html}</td><td>{words}</td></tr></table>")
            case "li":
                self.ledger.text(text, Role.LIST_ITEM)
                self.raw(f"<ul><li>{placed.html}<br>{words}</li></ul>")
            case _:
                self.ledger.text(text, Role.PARAGRAPH)
                self.raw(f"<p>{placed.html} {words}</p>")

    def pair(self, first: Shot, second: Shot) -> None:
        """Two images in one paragraph."""
        self.idiom = "two_in_order"
        placed = [IDIOMS["absolute"](self, shot) for shot in (first, second)]
        for one, shot in zip(placed, (first, second), strict=True):
            self.see(one, shot, "")
        self.raw(f"<p>{placed[0].html}{placed[1].html}</p>")

    def steps(self, steps: Iterable[tuple[str, Shot | None]]) -> None:
        """An ordered list: a text, and below it in the same item an image."""
        items = []
        for text, shot in steps:
            self.ledger.text(text, Role.LIST_ITEM)
            items.append(f"<li>{self._either(self._marked(text), f'<p>{self._marked(text)}</p>')}")
            if shot:
                items.append(self.bare(shot, "li"))
            items.append("</li>")
        self.raw("<ol>\n" + "\n".join(items) + "\n</ol>")

    def bare(self, shot: Shot, label: str) -> str:
        """The HTML of an image that stands in a list item or a cell, its truth written down."""
        self.idiom = label
        form = self.rng.choice(("absolute", "root_relative", "protocol_relative", "native_lazy"))
        placed = IDIOMS["absolute" if shot.url else form](self, shot)
        self.see(placed, shot, "")
        return placed.html

    def table(
        self, head: Iterable[str], rows: Iterable[tuple[Shot | None, tuple[str, ...]]]
    ) -> None:
        """A table; a row's image stands in its first cell."""
        html = ["<tr>" + "".join(self._cell("th", text) for text in head) + "</tr>"]
        for shot, texts in rows:
            first = f"<td>{self.bare(shot, 'td')}</td>" if shot else ""
            html.append(
                f"<tr>{first}" + "".join(self._cell("td", text) for text in texts) + "</tr>"
            )
        self.raw("<table>\n" + "\n".join(html) + "\n</table>")

    def _cell(self, tag: str, text: str) -> str:
        if text:
            self.ledger.text(text, Role.TABLE_CELL)
        return f"<{tag}>{escape(text, quote=False)}</{tag}>"

    def video(self, reel: Reel) -> None:
        """A video, its caption below it or in a paragraph before it."""
        path = f"/video/{reel.name}.mp4"
        url = self.site + path
        self.ledger.videos.append(reel.as_truth(url))
        self.ledger.resources.setdefault(url, Resource(url, "video/mp4", reel.file.data))
        sides = f'width="{reel.file.width}" height="{reel.file.height}"'
        html = self.rng.choice(
            (
                f'<video src="{url}" controls {sides}></video>',
                f'<video controls {sides}>\n<source src="{path}" type="video/mp4"></video>',
                f'<video preload="none" controls><source src="{url}" type="video/mp4"></video>',
            )
        )
        self.ledger.content.append({"kind": "video", "url": url, "caption": reel.caption})
        self.ledger.text(reel.caption, Role.CAPTION)
        caption = escape(reel.caption, quote=False)
        self.raw(f"<figure>{html}<figcaption>{caption}</figcaption></figure>")


def _ascii_site(site: str) -> str:
    """Scheme, host and port with the host in its ASCII form."""
    scheme, host = site.split("://", 1)
    return f"{scheme}://{host.encode('idna').decode('ascii')}"
