"""The ways in which pages of the real web say that there is an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from pipeline.sample_web.parts import Shot
from pipeline.sample_web.pictures import encode_image, open_image, paint_pixel, paint_smaller

if TYPE_CHECKING:
    from pipeline.sample_web.writer import PageWriter

BASE_FOLDER = "/assets/v2/"
IDN_SITE = "https://bilder.bücher-müller.example"
BLANK = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""A transparent GIF of 1 x 1 px: what stands in src until a script fills in the image."""

WRAPPED = frozenset({"img_in_p", "td", "li"})
"""Idioms that are about the element around the image."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An image's HTML, the URL of the picture that a reader ends up seeing, and its alt text.

    Attributes:
        html: the element or elements.
        url: absolute and in ASCII.
        alt: as the page has it.
        also: URLs that show the same picture: smaller, or in another format.
    """

    html: str
    url: str
    alt: str
    also: tuple[str, ...] = ()


Idiom = Callable[["PageWriter", Shot], Placed]


def _img(link: str, shot: Shot, extra: str = "") -> str:
    space = " " if extra else ""
    return f'<img src="{escape(link)}" alt="{escape(shot.alt)}"{space}{extra}>'


def _lazy(shot: Shot, src: str, attribute: str, link: str) -> str:
    return f'<img class="lazy" src="{src}" {attribute}="{escape(link)}" alt="{escape(shot.alt)}">'


def _media(writer: PageWriter, shot: Shot) -> str:
    return writer.publish(shot, f"/media/{shot.name}.{shot.extension}")


def _cdn(writer: PageWriter) -> str:
    scheme, host = writer.site.split("://")
    return f"{scheme}://cdn.{host.removeprefix('www.')}"


def _smaller(writer: PageWriter, shot: Shot) -> str:
    """The URL of a version of half the width."""
    if shot.file is None:
        return _media(writer, shot)
    return _media(writer, shot.as_variant(paint_smaller(shot.file, shot.file.width // 2), "-small"))


def absolute(writer: PageWriter, shot: Shot) -> Placed:
    """An img with a whole URL in src."""
    url = _media(writer, shot)
    return Placed(_img(url, shot), url, shot.alt)


def in_link(writer: PageWriter, shot: Shot) -> Placed:
    """An img in a link to another page."""
    url = _media(writer, shot)
    return Placed(f'<a href="/view/{shot.name}">{_img(url, shot)}</a>', url, shot.alt)


def data_uri(writer: PageWriter, shot: Shot) -> Placed:
    """A data: placeholder in src, the image in data-src."""
    url = _media(writer, shot)
    return Placed(_lazy(shot, BLANK, "data-src", url), url, shot.alt)


def data_original(writer: PageWriter, shot: Shot) -> Placed:
    """A data: placeholder in src, the image in data-original."""
    url = _media(writer, shot)
    return Placed(_lazy(shot, BLANK, "data-original", url), url, shot.alt)


def spacer(writer: PageWriter, shot: Shot) -> Placed:
    """A spacer.gif in src, the image in data-src."""
    blank = writer.publish(Shot(paint_pixel(), "spacer", purpose="placeholder"), "/img/spacer.gif")
    url = _media(writer, shot)
    return Placed(_lazy(shot, blank, "data-src", url), url, shot.alt)


def lazy_srcset(writer: PageWriter, shot: Shot) -> Placed:
    """A data: placeholder in src, candidates in data-srcset."""
    small, url = _smaller(writer, shot), _media(writer, shot)
    value = f"{small} 200w, {url} 400w"
    return Placed(_lazy(shot, BLANK, "data-srcset", value), url, shot.alt, (small,))


def conditional_comment(writer: PageWriter, shot: Shot) -> Placed:
    """An image for an old browser in a comment before the real one."""
    url = _media(writer, shot)
    old = '<!--[if lt IE 9]><img src="/img/old-browser.png" alt="Update"><![endif]-->'
    return Placed(f"{old}{_img(url, shot)}", url, shot.alt)


def inline_svg(writer: PageWriter, shot: Shot) -> Placed:
    """A drawing inside the page, which is no image of its own, before the image."""
    url = _media(writer, shot)
    icon = '<svg width="16" height="16" viewBox="0 0 16 16"><path d="M2 2h12v12H2z"/></svg>'
    return Placed(f"{icon}{_img(url, shot)}", url, shot.alt)


def amp_in_url(writer: PageWriter, shot: Shot) -> Placed:
    """An escaped ampersand in a URL without an extension."""
    url = writer.publish(shot, f"/image?id={shot.name}&size=l&fit=crop")
    return Placed(_img(url, shot), url, shot.alt)


def relative(writer: PageWriter, shot: Shot) -> Placed:
    """A URL relative to the page."""
    link = f"img/{shot.name}.{shot.extension}"
    url = writer.publish(shot, urljoin(writer.url, link).removeprefix(writer.site))
    return Placed(_img(link, shot), url, shot.alt)


def parent_relative(writer: PageWriter, shot: Shot) -> Placed:
    """A URL relative to the folder above the page."""
    link = f"../img/{shot.name}.{shot.extension}"
    url = writer.publish(shot, urljoin(writer.url, link).removeprefix(writer.site))
    return Placed(_img(link, shot), url, shot.alt)


def root_relative(writer: PageWriter, shot: Shot) -> Placed:
    """A URL from the host's root."""
    url = _media(writer, shot)
    return Placed(_img(url.removeprefix(writer.site), shot), url, shot.alt)


def base_href(writer: PageWriter, shot: Shot) -> Placed:
    """A URL relative to the page's base element."""
    link = f"pics/{shot.name}.{shot.extension}"
    url = writer.publish(shot, f"{BASE_FOLDER}{link}")
    return Placed(_img(link, shot), url, shot.alt)


def protocol_relative(writer: PageWriter, shot: Shot) -> Placed:
    """A URL that takes its scheme from the page."""
    url = writer.publish(shot, f"/{shot.name}.{shot.extension}", _cdn(writer))
    return Placed(_img("//" + url.split("://")[1], shot), url, shot.alt)


def srcset_only(writer: PageWriter, shot: Shot) -> Placed:
    """Candidates in srcset and no src."""
    small, url = _smaller(writer, shot), _media(writer, shot)
    html = f'<img srcset="{small} 1x, {url} 2x" alt="{escape(shot.alt)}">'
    return Placed(html, url, shot.alt, (small,))


def bigger_srcset(writer: PageWriter, shot: Shot) -> Placed:
    """A small image in src and a bigger one in srcset."""
    small, url = _smaller(writer, shot), _media(writer, shot)
    width = shot.file.width if shot.file else 400
    extra = f'srcset="{small} {width // 2}w, {url} {width}w" sizes="(max-width: 600px) 100vw, 50vw"'
    return Placed(_img(small, shot, extra), url, shot.alt, (small,))


def picture(writer: PageWriter, shot: Shot) -> Placed:
    """A picture with a WebP source and an img for everybody else."""
    url = _media(writer, shot)
    also: tuple[str, ...] = ()
    source = ""
    if shot.file is not None and shot.file.format != "webp":
        webp = encode_image(open_image(shot.file), "webp", 80)
        also = (_media(writer, shot.as_variant(webp, "-w")),)
        source = f'<source type="image/webp" srcset="{also[0]}">'
    return Placed(f"<picture>{source}{_img(url, shot)}</picture>", url, shot.alt, also)


def picture_source(writer: PageWriter, shot: Shot) -> Placed:
    """A picture whose img has no src: its source holds the image."""
    url = _media(writer, shot)
    img = f'<img alt="{escape(shot.alt)}">'
    return Placed(f'<picture><source srcset="{url}">{img}</picture>', url, shot.alt)


def comma_in_url(writer: PageWriter, shot: Shot) -> Placed:
    """Commas in the path, as image services have them."""
    url = writer.publish(
        shot, f"/fill/w_640,h_480,c_fit/{shot.name}.{shot.extension}", _cdn(writer)
    )
    return Placed(_img(url, shot), url, shot.alt)


def idn_host(writer: PageWriter, shot: Shot) -> Placed:
    """A host name with letters beyond ASCII."""
    path = f"/{shot.name}.{shot.extension}"
    url = writer.publish(shot, path, IDN_SITE)
    return Placed(_img(IDN_SITE + path, shot), url, shot.alt)


def host_port(writer: PageWriter, shot: Shot) -> Placed:
    """A port in the URL."""
    site = f"{_cdn(writer)}:8443"
    url = writer.publish(shot, f"/p/{shot.name}.{shot.extension}", site)
    return Placed(_img(url, shot), url, shot.alt)


def noscript(writer: PageWriter, shot: Shot) -> Placed:
    """A placeholder that only a script can fill, and the image in noscript."""
    url = _media(writer, shot)
    blank = f'<img class="js-photo" src="{BLANK}" alt="">'
    return Placed(f"{blank}<noscript>{_img(url, shot)}</noscript>", url, shot.alt)


def amp_img(writer: PageWriter, shot: Shot) -> Placed:
    """An amp-img element."""
    url = _media(writer, shot)
    width, height = (shot.file.width, shot.file.height) if shot.file else (320, 240)
    sides = f'width="{width}" height="{height}" layout="responsive"'
    html = f'<amp-img src="{escape(url)}" alt="{escape(shot.alt)}" {sides}></amp-img>'
    return Placed(html, url, shot.alt)


def css_background(writer: PageWriter, shot: Shot) -> Placed:
    """A background image in a style attribute; there is no alt text."""
    url = _media(writer, shot)
    style = f"background-image: url('{url}'); width: 320px; height: 240px"
    return Placed(f'<div class="photo" style="{style}"></div>', url, "")


def space_in_url(writer: PageWriter, shot: Shot) -> Placed:
    """An unescaped space in the path."""
    path = f"/media/my pictures/{shot.name}.{shot.extension}"
    return Placed(_img(path, shot), writer.publish(shot, path), shot.alt)


def letters_in_path(writer: PageWriter, shot: Shot) -> Placed:
    """Letters beyond ASCII in the path, unescaped."""
    path = f"/media/größe/{shot.name}.{shot.extension}"
    return Placed(_img(path, shot), writer.publish(shot, path), shot.alt)


def query(writer: PageWriter, shot: Shot) -> Placed:
    """A version in the URL's query."""
    url = writer.publish(shot, f"/media/{shot.name}.{shot.extension}?v=3")
    return Placed(_img(url, shot), url, shot.alt)


def native_lazy(writer: PageWriter, shot: Shot) -> Placed:
    """The browser's own lazy loading, with declared sides."""
    url = _media(writer, shot)
    sides = f'width="{shot.file.width}" height="{shot.file.height}" ' if shot.file else ""
    return Placed(_img(url, shot, f'{sides}loading="lazy" decoding="async"'), url, shot.alt)


def upper_case(writer: PageWriter, shot: Shot) -> Placed:
    """Tag and attributes in capitals, src without quotes, as pages of the nineties have it."""
    url = _media(writer, shot)
    return Placed(f'<IMG SRC={url} ALT="{escape(shot.alt)}" BORDER=0>', url, shot.alt)


IDIOMS: dict[str, Idiom] = {
    "absolute": absolute,
    "in_link": in_link,
    "data_uri": data_uri,
    "conditional_comment": conditional_comment,
    "inline_svg": inline_svg,
    "img_in_p": absolute,
    "amp_in_url": amp_in_url,
    "relative": relative,
    "parent_relative": parent_relative,
    "base_href": base_href,
    "protocol_relative": protocol_relative,
    "spacer": spacer,
    "srcset_only": srcset_only,
    "bigger_srcset": bigger_srcset,
    "picture": picture,
    "figure": absolute,
    "comma_in_url": comma_in_url,
    "idn_host": idn_host,
    "host_port": host_port,
    "noscript": noscript,
    "td": absolute,
    "li": absolute,
    "amp_img": amp_img,
    "css_background": css_background,
    "space_in_url": space_in_url,
    "root_relative": root_relative,
    "data_original": data_original,
    "lazy_srcset": lazy_srcset,
    "picture_source": picture_source,
    "letters_in_path": letters_in_path,
    "query": query,
    "native_lazy": native_lazy,
    "upper_case": upper_case,
    "figure_link": in_link,
}
"""Every idiom by its name; two_in_order, of two images, is `PageWriter.pair`."""
