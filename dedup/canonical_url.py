"""URLs of one page in one spelling, to be compared; what is kept of a page is its real URL.

What RFC 3986 calls safe is always done (section 6.2.2 and 6.2.3, and 6.1 for the fragment): case of
scheme and host, the scheme's own port, percent-encoding of unreserved characters, its upper case,
dot segments, an empty path, an empty query. Reserved characters stay as they are written: `%2F`
is no `/`. Of libraries yarl writes `%2C` as `,` and leaves the dots of file:// URLs, and w3lib
sorts the query and keeps ports and dots; yarl spells the host here, names beyond ASCII included.

Beyond the RFC go parameters that say where a visitor came from; which ones the recipe says.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, unquote_plus, urlsplit

TRACKING = (
    "utm_*", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "yclid", "ysclid",
    "twclid", "ttclid", "li_fat_id", "igshid", "igsh", "mc_cid", "mc_eid", "mkt_tok", "_ga", "_gl",
    "_hsenc", "_hsmi", "__hssc", "__hstc", "__hsfp", "__s", "vero_id", "oly_anon_id", "oly_enc_id",
    "_openstat", "wickedid",
)  # fmt: skip
"""Parameters of visits: those that Firefox and Brave strip, and the analytics services' own."""

_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_AS_WRITTEN = "%!#$&'()*+,/:;=?@[]~"


def canonical_url(url: str, tracking: Iterable[str] = TRACKING) -> str:
    """The spelling that all URLs of one page share; of what is no URL, what is written.

    Args:
        url: absolute.
        tracking: names of parameters that are left out, in any case; one that ends in `*` stands
            for all that begin so.
    """
    try:
        parts = urlsplit(url.strip())
        origin = _origin(parts.scheme, parts.netloc)
    except ValueError:
        return url
    if not parts.scheme:
        return url
    path = _without_dots(_spelt(parts.path))
    query = _without(_spelt(parts.query), *_names(tuple(tracking)))
    return f"{origin}{path or '/'}{'?' if query else ''}{query}"


@lru_cache(maxsize=1 << 14)
def _origin(scheme: str, netloc: str) -> str:
    """Scheme and host; the port where it is not the scheme's own, and a user as written."""
    from yarl import URL

    if not netloc:
        return f"{scheme}://"
    return str(URL(f"{scheme}://{netloc}")).rstrip("/")


def _spelt(text: str) -> str:
    """A path or query with all escaped that must be, and nothing that need not."""
    escaped = quote(text, safe=_AS_WRITTEN, errors="surrogatepass")
    if "%" not in escaped:
        return escaped
    return _ESCAPED.sub(_unescaped, _NO_ESCAPE.sub("%25", escaped))


def _unescaped(match: re.Match[str]) -> str:
    letter = chr(int(match[1], 16))
    return letter if letter in _UNRESERVED else match[0].upper()


def _without_dots(path: str) -> str:
    """The path without its dot segments (RFC 3986, 5.2.4)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.removeprefix("/").split("/")
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    end = [""] if segments[-1] in (".", "..") else []
    return "/" + "/".join(kept + end)


def _without(query: str, names: frozenset[str], beginnings: tuple[str, ...]) -> str:
    """The query less some parameters; the order of the others may matter and stays."""
    if not query:
        return ""
    kept = []
    for pair in query.split("&"):
        name = unquote_plus(pair.partition("=")[0]).lower()
        if name not in names and not name.startswith(beginnings):
            kept.append(pair)
    return "&".join(kept)


@lru_cache(maxsize=8)
def _names(tracking: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Whole names, and beginnings of names."""
    lower = [name.lower() for name in tracking]
    beginnings = tuple(name[:-1] for name in lower if name.endswith("*"))
    return frozenset(name for name in lower if not name.endswith("*")), beginnings
