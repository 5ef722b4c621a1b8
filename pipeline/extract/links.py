"""URLs as a page means them: resolved, and the right one of several."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

_SPACES = re.compile(r"[\t\n\r]")
_WEB = frozenset({"http", "https", "file"})
# What the URL standard leaves alone in a path and in a query, beside letters and digits.
_PATH_SAFE = "/%:@!$&'()*+,;=~-._|[]"
NAME_SAFE = _PATH_SAFE.replace("%", "")
"""Of the path of a file on disk, whose name may hold a "%" of its own."""
_QUERY_SAFE = "/%:@!$&()*+,;=~-._?|[]{}^\\`"


def writable(text: str) -> str:
    """The text with a "?" for each half of a character, as JSON may have: no file can hold one."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def resolve(base: str, link: str) -> str:
    """The absolute URL of a link, as a browser would ask for it; "" where it names none.

    White space is cut, spaces and letters beyond ASCII are percent-encoded, an international
    host name is given in its ASCII form, and the fragment is dropped. `data:`, `blob:` and
    `javascript:` links name nothing that could be fetched, `file:` links nothing but on a page that
    is a file itself.
    """
    link = _SPACES.sub("", link.strip())
    if not link or link.startswith("#"):
        return ""
    if _PLAIN.fullmatch(link) and "/." not in link:
        return link
    try:
        parts = urlsplit(urljoin(base, link.replace("\\", "/") if "?" not in link else link))
        if parts.scheme not in _WEB or not _may_link(base, parts):
            return ""
        host = _ascii_host(parts.netloc)
        if "/." in parts.path:  # urljoin leaves those of an absolute link
            parts = parts._replace(path=_without_dots(parts.path))
    except ValueError:
        return ""
    path = parts.path if parts.path.isascii() and " " not in parts.path else None
    path = quote(parts.path, safe=_PATH_SAFE) if path is None else path
    query = quote(parts.query, safe=_QUERY_SAFE) if not parts.query.isascii() else parts.query
    return urlunsplit((parts.scheme, host, path, query.replace(" ", "%20"), ""))


_PLAIN = re.compile(
    r"https?://[a-z0-9.-]+/[\w/.,~%+=:@!$*-]++(?:\?[\w/.,~%+=:@!$*&-]++)?+", re.ASCII
)
"""An absolute URL that is already as it should be: most are."""


def _without_dots(path: str) -> str:
    """The path with its steps up taken, as RFC 3986 (5.2.4) has it."""
    taken: list[str] = []
    steps = path.split("/")
    for step in steps:
        if step == "..":
            taken = taken[: max(1, len(taken) - 1)]
        elif step != ".":
            taken.append(step)
    return "/".join([*taken, ""] if steps[-1] in {".", ".."} else taken)


def _may_link(base: str, parts: SplitResult) -> bool:
    """Whether a page may name such a file: those of a disk are named by pages on it alone."""
    if parts.scheme == "file":
        return base.startswith("file:")
    return bool(parts.hostname)


def _ascii_host(netloc: str) -> str:
    user, at, host = netloc.rpartition("@")
    if host.isascii():
        return user + at + host.lower()
    name, colon, port = host.partition(":")
    return user + at + name.encode("idna").decode("ascii") + colon + port


@dataclass(frozen=True, slots=True)
class Candidate:
    """One URL of a srcset with its width in px (0 unknown) and density (1.0 unless told)."""

    url: str
    width: int = 0
    density: float = 1.0


def parse_srcset(srcset: str) -> list[Candidate]:
    """The candidates of a srcset, in order.

    A comma ends a candidate only behind white space, behind a descriptor or at the URL's end,
    so a URL may hold commas.
    """
    found: list[Candidate] = []
    at = 0
    while match := _SRCSET_URL.match(srcset, at):
        url, at = match[1], match.end()
        width, density = 0, 1.0
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            descriptors = _DESCRIPTORS.match(srcset, at)
            end = descriptors.end() if descriptors else at
            for value, unit in _UNITS.findall(srcset[at:end]):
                width = int(float(value)) if unit == "w" else width
                density = float(value) if unit == "x" else density
            at = end + 1
        if url:
            found.append(Candidate(url, width, density))
    return found


_SRCSET_URL = re.compile(r"[\s,]*+(\S+)")
_DESCRIPTORS = re.compile(r"[^,(]*+(?:\([^)]*+\)?[^,(]*+)*+")  # up to a comma outside brackets
# No picture is a thousand million pixels wide: what says so says nothing.
_UNITS = re.compile(r"(?<!\S)([0-9]{1,9}+(?:\.[0-9]++)?+|\.[0-9]++)([wx])(?=[\s,]|$)")


def best_candidate(candidates: Iterable[Candidate], side_px: int) -> Candidate | None:
    """The largest candidate at or under `side_px`, else the smallest above it; None of none.

    Where only densities are told, the highest one wins.
    """
    found = [c for c in candidates if not c.url.startswith("data:")]
    if not found:
        return None
    sized = [c for c in found if c.width]
    if not sized:
        return max(found, key=lambda c: c.density)
    fitting = [c for c in sized if c.width <= side_px]
    if fitting:
        return max(fitting, key=lambda c: c.width)
    return min(sized, key=lambda c: c.width)
