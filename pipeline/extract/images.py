"""Image and video links of an element, by every idiom that pages use.

Open Graph's og:image is not read: it names one picture of the page, mostly the lead picture that
stands in the text as well, without a place in it, and nothing here would use it.
"""

import re
from urllib.parse import urlsplit

from pipeline.extract.limits import ExtractLimits
from pipeline.extract.links import Candidate, best_candidate, parse_srcset, resolve
from pipeline.extract.tree import Node

# Attributes that scripts copy to src once the image comes into view, most telling first.
LAZY = (
    "data-src", "data-original", "data-lazy-src", "data-lazy", "data-original-src",
    "data-actualsrc", "data-hi-res-src", "data-full-src", "data-url", "data-image", "data-img",
    "data-img-src", "data-image-src", "data-echo", "data-large-src", "data-large_image",
    "data-orig-file", "data-asset-url", "data-cfsrc", "data-ezsrc", "data-pagespeed-lazy-src",
    "data-lazyload", "data-srcmedium", "data-defer-src", "data-delayed-url", "data-li-src",
    "data-fallback-src", "data-default-src", "data-bg", "data-flickity-lazyload",
)  # fmt: skip
_LAZY_NAMES = frozenset(LAZY)
LAZY_SETS = (
    "data-srcset", "data-lazy-srcset", "data-original-set", "data-lazy-set", "lazy-srcset",
    "data-flickity-lazyload-srcset",
)  # fmt: skip
# A file of such a name stands for no picture: "spacer" and the like anywhere in it, the others only
# where nothing else is named. "two-grey-mushrooms.jpg" is a picture.
_EMPTY = (
    "blank|pixel|transparent|clear|lazy|lazyload|loading|loader|grey|gray|trans|dot|empty|dummy|"
    "default"
)
_NAME = "[^/?#]{0,200}"
"""A part of a file's name: no file system has longer names, and a search is quadratic in it."""
_PLACEHOLDER_NAME = (
    rf"(?:(?:{_NAME}[_.\-])?(?:spacer|placeholder|1x1)(?:[._\-]{_NAME})?"
    rf"|(?=(?:{_NAME}[_.\-])?(?:{_EMPTY})[_.\-])"
    rf"(?:(?:{_EMPTY}|img|image|bg|\d+(?:x\d+)?(?:px)?)(?:[_\-]|(?=\.)))+)"
    r"\.(?:gif|png|svg|jpe?g|webp)(?:$|[?#])"
)
_PLACEHOLDER = re.compile(_PLACEHOLDER_NAME)
_PLACEHOLDER_WITHIN = re.compile(f"(?:^|/){_PLACEHOLDER_NAME}")
_BLANK = re.compile(r"(?:spacer|placeholder|1x1|lazy(?:load)?)[^/]*$", re.IGNORECASE)
"""Names that are no picture's, whatever else an element says."""
_PHOTOGRAPH = re.compile(r"\.(?:jpe?g|webp|avif)(?:$|[?#])", re.IGNORECASE)
_TAIL = 300
"""Characters at a link's end where its file's name stands."""
_PICTURE_PX = 64
_RANKS = {"avif": 1, "gif": 2, "svg+xml": 2, "svg": 2, "jxl": 2, "heic": 2, "heif": 2, "jp2": 2,
          "bmp": 2, "tiff": 2}  # fmt: skip
"""Formats by how likely they are decoded: AVIF not by every build of Pillow, the others by none of
the recipes as they come."""
_RANKED_NAME = re.compile(r"\.(avif|gif|svg|jxl|heic|heif|jp2|bmp|tiff)(?:$|[?#])", re.IGNORECASE)
_TOLD_WIDTH = re.compile(
    r"[?&](?:w|width)=(\d{2,4})(?!\d)|[-_](\d{2,4})(?:x\d{2,4})?(?:px)?\.\w{3,4}(?:$|\?)"
)
_THUMB = re.compile(r"(?:^|[/_.-])(?:thumb|thumbnail)(?:[_.-]|s?/)[^/]*$", re.IGNORECASE)
"""What a file's name, or a query, tells of its being small."""
_TEMPLATE = re.compile(r"\{\{|\{\w+\}|\$\{")
"""What a script is to fill in: "{{ image }}", "k_{width}x.jpg"."""
BACKGROUNDS = frozenset(
    {"style", "data-bg", "data-background", "data-background-image", "data-bgset", "data-src"}
)
"""Attributes that may name the picture behind an element."""
_IMAGE_PATH = re.compile(r"\.(?:jpe?g|png|webp|gif|avif|bmp|jfif)(?:$|[?#:&!/])", re.IGNORECASE)
# No pattern here looks back over what it has passed: pages hold attributes of megabytes.
_BACKGROUND = re.compile(r"background(?:-image)?\s*+:", re.IGNORECASE)
_URL_OR_END = re.compile(r"url\(|;", re.IGNORECASE)
_CSS_URL = re.compile(
    r"url\(\s*+(?:\"([^\"]{0,8192}+)\"|'([^']{0,8192}+)'|([^)\"']{0,8192}+))\s*+\)",
    re.IGNORECASE,
)
_URL = re.compile(r"url\(\s*+[\"']?+([^\"')]++)[\"']?+\s*+\)", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*+>")
_NUMBER = re.compile(r"^\s*+(\d{1,5})(?:\.\d++)?+\s*+(?:px)?+\s*+$")


def declared_side(node: Node, name: str) -> int:
    """The declared width or height in px, by attribute or inline style; 0 where none is told."""
    match = _NUMBER.match(node.get(name))
    if match:
        return int(match[1])
    style = node.get("style")
    if style:
        found = re.search(rf"(?:^|[;\s]){name}\s*:\s*(\d{{1,5}})(?:\.\d+)?px", style)
        if found:
            return int(found[1])
    return 0


def image_url(node: Node, base: str, limits: ExtractLimits) -> str:
    """The absolute URL of an img or amp-img, "" where it shows nothing that could be fetched.

    In order: the srcset's best candidate, a lazy attribute, the src, and the picture's sources.
    A src that declares its size and has only denser versions beside it stays: it is the picture
    at the size that the page shows. The sources of the picture around it count where the element
    names nothing, and where it names a small version and they tell the widths of larger ones.
    """
    src = _real(node.get("src"))
    lazy = _lazy(node, src)
    best = _from_sets(node, limits)
    if best and not (src and not lazy and best.width == 0 and _is_enough(node, limits)):
        chosen = best.url
    else:
        chosen = lazy or src
    picture = node.parent if node.parent is not None and node.parent.tag == "picture" else None
    if picture is not None and not (chosen and best and best.width):
        at_all = not chosen
        if at_all or is_small(node, chosen, limits):
            chosen = _from_sources(picture, limits, at_all=at_all) or chosen
    chosen = chosen or _from_template(node) or _named_blank(node)
    if chosen:
        return resolve(base, chosen)
    return "" if BACKGROUNDS.isdisjoint(node.attrs) else background_url(node, base, limits)


def is_small(node: Node, link: str, limits: ExtractLimits) -> bool:
    """Whether an image is a small version of one, as its declared width or its URL tells."""
    if not limits.small_side_px:
        return False
    width = declared_side(node, "width")
    if not width:
        told = _TOLD_WIDTH.search(link)
        width = int(told[1] or told[2]) if told else 0
    return 0 < width < limits.small_side_px or _THUMB.search(link[-_TAIL:]) is not None


def linked_url(node: Node, url: str, href: str, base: str, limits: ExtractLimits) -> str:
    """The image file that a small version of it links to, "" where there is none such.

    "File:Kite.png" is a page about the file.
    """
    if not is_image_link(href) or ":" in href.rpartition("/")[2]:
        return ""
    if not is_small(node, url, limits):
        return ""
    return resolve(base, href)


def _is_enough(node: Node, limits: ExtractLimits) -> bool:
    return declared_side(node, "width") >= limits.enough_side_px


def _real(link: str) -> str:
    """The link, "" where it is a placeholder that a script is to replace."""
    link = link.strip()
    if not link or _names_nothing(link):
        return ""
    # Most links have their file's name at their end, where one look suffices.
    path, _, query = link.lower().partition("?")
    if "/" in query or "#" in path:
        return "" if _PLACEHOLDER_WITHIN.search(link.lower()) else link
    return "" if _PLACEHOLDER.match(path, path.rfind("/") + 1) else link


def _names_nothing(link: str) -> bool:
    """Whether a link holds its content itself, leads to a place in the page, or is a template."""
    return link.startswith(("data:", "blob:", "about:", "#")) or (
        "{" in link and _TEMPLATE.search(link) is not None
    )


def _lazy(node: Node, src: str) -> str:
    attrs = node.attrs
    if src and len(attrs) < 2:
        return ""
    if not _LAZY_NAMES.isdisjoint(attrs):
        for name in LAZY:
            link = attrs.get(name)
            if link and (link := _real(link)) and _is_link(link):
                return link
    if src:
        return ""
    return _any_attribute(node)


def _any_attribute(node: Node) -> str:
    """The image URL that some attribute of no known name holds, "" where none does."""
    for name, link in node.attrs.items():
        if link and name not in {"src", "alt", "title", "class", "id", "srcset"}:
            link = link.strip()
            if " " not in link and _IMAGE_PATH.search(link) and _is_link(link) and _real(link):
                return link
    return ""


def attribute_url(node: Node, base: str) -> str:
    """The absolute URL of the image that an element without one names in an attribute, or ""."""
    link = _any_attribute(node)
    return resolve(base, link) if link else ""


def _is_link(link: str) -> bool:
    return (
        len(link) < 4096
        and not link.startswith(("{", "[", "<", "true", "false"))
        and ("/" in link or "." in link)
    )


def _sets(node: Node) -> str:
    for name in LAZY_SETS:
        value = node.get(name)
        if value:
            return value
    return node.get("srcset")


def _from_sets(node: Node, limits: ExtractLimits) -> Candidate | None:
    """The best srcset candidate of an img or a source."""
    value = _sets(node)
    if value:
        best = best_candidate(parse_srcset(value), limits.image_side_px)
        if best is not None and _real(best.url):
            return best
    return None


def _from_sources(picture: Node, limits: ExtractLimits, *, at_all: bool) -> str:
    """The best candidate of a picture's sources, of told width unless `at_all`.

    Of the formats that its sources tell, the likeliest to be decoded, then the best width; the
    first source of several alike.
    """
    found: list[tuple[int, Candidate]] = []
    for child in picture.children:
        if isinstance(child, Node) and child.tag == "source" and child.get("media") != "print":
            best = _from_sets(child, limits)
            if best is None and (src := _real(child.get("src") or child.get("data-src"))):
                best = Candidate(src)
            if best is not None:
                found.append((_rank(child.get("type"), best.url), best))
    least = min((rank for rank, _ in found), default=0)
    alike = [best for rank, best in found if rank == least and (best.width or at_all)]
    if any(best.width for best in alike) and (best := best_candidate(alike, limits.image_side_px)):
        return best.url
    return alike[0].url if alike else ""


def _rank(kind: str, url: str) -> int:
    """How likely a format is decoded, 0 the likeliest: by its declared type, else by its name."""
    if not kind:
        named = _RANKED_NAME.search(url)
        kind = named[1] if named else ""
    return _RANKS.get(kind.lower().partition(";")[0].removeprefix("image/").strip(), 0)


def _named_blank(node: Node) -> str:
    """The src of an image that is named as a placeholder and is a picture all the same.

    "Default", "grey" and their like are names of pictures too. It is one where nothing marks an
    image that a script fills in, and the page describes it, says that it is large, or has it in a
    format that no blank comes in.
    """
    link = node.get("src").strip()
    if not link or _names_nothing(link) or _BLANK.search(link[-_TAIL:]) or is_lazy(node):
        return ""
    sides = declared_side(node, "width"), declared_side(node, "height")
    told = node.get("alt").strip() or min(sides) >= _PICTURE_PX or _PHOTOGRAPH.search(link)
    return link if told else ""


def _from_template(node: Node) -> str:
    """A URL with a {width} to fill in, as some shops have it."""
    link = node.get("data-src") or node.get("src")
    return link.replace("{width}", "800") if "{width}" in link else ""


def background_url(node: Node, base: str, limits: ExtractLimits) -> str:
    """The absolute URL of the picture behind an element, "" where it has none.

    It stands in the style, or in an attribute that a script moves there.
    """
    for name in sorted((BACKGROUNDS - {"style"}) & node.attrs.keys()):
        value = node.get(name).strip()
        if name == "data-bgset":
            best = best_candidate(parse_srcset(value), limits.image_side_px)
            value = best.url if best is not None else ""
        found = _URL.fullmatch(value)
        link = _real(found[1] if found else value)
        if link and (found or _IMAGE_PATH.search(link)):
            return resolve(base, link)
    link = _real(_css_url(node.get("style")))
    return resolve(base, link) if link else ""


def _css_url(style: str) -> str:
    """The first URL that a declaration of a background names, "" where none does."""
    at = 0
    while (found := _BACKGROUND.search(style, at)) and (
        mark := _URL_OR_END.search(style, found.end())
    ):
        if match := _CSS_URL.match(style, mark.start()):
            return match[1] or match[2] or match[3] or ""
        at = mark.end()
    return ""


def is_pixel(node: Node) -> bool:
    """Whether an image is declared to be too small to be seen: it counts readers."""
    sides = node.get("width").strip(), node.get("height").strip()
    return any(side in {"0", "1", "0px", "1px"} for side in sides)


def is_lazy(node: Node) -> bool:
    """Whether an image has the marks of one that a script fills in."""
    return (
        "lazy" in node.get("class")
        or node.get("src").startswith("data:")
        or any(name.startswith("data-") for name in node.attrs)
    )


def is_same_file(one: Node, other: Node) -> bool:
    """Whether two images name files alike, as an image and its small version often do.

    Of an image that a script fills in, what its lazy attributes name counts as well.
    """
    return not _file_names(one).isdisjoint(_file_names(other))


def _file_names(node: Node) -> set[str]:
    links = (node.get(name) for name in ("src", *LAZY) if name in node.attrs)
    names = {link.partition("?")[0].rpartition("/")[2] for link in links if _real(link)}
    return names - {""}


def video_urls(node: Node, base: str) -> tuple[str, str]:
    """URL and poster of a video element, "" each where missing; of its sources MP4 comes first."""
    links = [node.get("src") or node.get("data-src")]
    sources = [c for c in node.children if isinstance(c, Node) and c.tag == "source"]
    sources.sort(key=lambda s: "mp4" not in (s.get("type") + s.get("src")).lower())
    links += [s.get("src") or s.get("data-src") for s in sources]
    found = [url for link in links if link and (url := resolve(base, link))]
    poster = node.get("poster")
    return (found[0] if found else ""), (resolve(base, poster) if poster else "")


def named_urls(node: Node, base: str) -> set[str]:
    """The absolute URLs that an image element and the picture around it name: all are of it."""
    elements = [node]
    if node.parent is not None and node.parent.tag == "picture":
        elements += [c for c in node.parent.children if isinstance(c, Node) and c.tag == "source"]
    links: list[str] = []
    for element in elements:
        links += [element.get(name) for name in ("src", *LAZY)]
        for name in ("srcset", *LAZY_SETS):
            links += [candidate.url for candidate in parse_srcset(element.get(name))]
    return {url for link in links if link and (url := resolve(base, link))}


def is_image_link(href: str) -> bool:
    """Whether a link leads to an image file."""
    try:
        return bool(_IMAGE_PATH.search(urlsplit(href).path))
    except ValueError:
        return False


def shows_image(link: str, kind: str) -> bool:
    """Whether what a plug-in is to show is a picture that might be decoded."""
    if not link or "svg" in kind:
        return False
    return kind.startswith("image/") or (not kind and is_image_link(link))


def told_caption(node: Node) -> str:
    """What a viewer of pictures is to write under an image, by its own attribute or its link's."""
    told = node.get("data-caption")
    if not told and node.parent is not None and node.parent.tag in {"a", "figure"}:
        told = node.parent.get("data-caption")
    return " ".join(_TAG.sub(" ", told).split()) if told else ""


def is_plugin(node: Node) -> bool:
    """Whether an object stands for a program that no reader has any more."""
    return "flash" in node.get("type") or bool(node.get("classid"))
