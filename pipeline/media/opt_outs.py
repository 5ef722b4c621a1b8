"""Who does not want to be in a corpus: by lists, by a page's own head, by a file of its site.

Beside robots.txt and the headers of an answer (`robots.py`, `politeness.py`) a page may say `noai`
or reserve text and data mining in its head, and a site in `/.well-known/tdmrep.json` (W3C TDM
Reservation Protocol, final report of the community group).
"""

import html
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.media.politeness import judge_opt_out
from schemas.rejection import Reason, Why

TDMREP_PATH = "/.well-known/tdmrep.json"
MAX_TDMREP_BYTES = 1 << 20

_HEAD_BYTES = 1 << 17
"""So much of a page is searched for its meta elements; they stand in its head."""
_MOST_RULES = 10_000
_META = re.compile(rb"<meta\b", re.IGNORECASE)
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|noscript|template|textarea|title)\b.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
"""What stands in a head and is no element of it, or holds none."""
_TAG = re.compile(r"<meta\b((?:\"[^\"]*\"|'[^']*'|[^>\"'])*)>?", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([^\s=/>\"']+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def judge_page(body: bytes, agent: str, words: Sequence[str], tdm: bool) -> Why | None:
    """Why a page must not be kept although it was served: its own head says so.

    Args:
        body: the page's bytes.
        agent: our product token, by which a meta element may call us.
        words: directives that keep a page out.
        tdm: whether a reservation of text and data mining does too.
    """
    head = body[:_HEAD_BYTES]
    wide = _WIDE.get(head[:2])
    if wide is None and not _META.search(head):
        return None
    tags: list[str] = []
    reserved = ""
    for name, content in _metas(head.decode(wide or "latin-1", "replace")):
        if name in ("robots", agent):
            tags.append(content)
        elif name == "tdm-reservation":
            reserved = content
    return judge_opt_out(tags, reserved if tdm else "", agent, words)


def _metas(head: str) -> Iterable[tuple[str, str]]:
    """The (name, content) of each meta element, names in lower case."""
    for tag in _TAG.finditer(_UNSEEN.sub(" ", head)):
        found: dict[str, str] = {}
        for key, double, single, bare in _ATTRIBUTE.findall(tag[1]):
            found.setdefault(key.lower(), html.unescape(double or single or bare))
        if "name" in found and "content" in found:
            yield found["name"].strip().lower(), found["content"]


@dataclass(frozen=True, slots=True)
class TdmRules:
    """What a site's tdmrep.json reserves: patterns of paths, each with whether it is reserved."""

    rules: tuple[tuple[re.Pattern[str], bool], ...] = ()

    def reserves(self, path: str) -> bool:
        """Whether the first rule whose location fits a path, query included, reserves it."""
        return next((reserved for pattern, reserved in self.rules if pattern.match(path)), False)


def parse_tdmrep(status: int, body: bytes) -> TdmRules:
    """The rules of an answer to `GET /.well-known/tdmrep.json`; none where it is no such file."""
    if status != 200 or len(body) > MAX_TDMREP_BYTES:
        return TdmRules()
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return TdmRules()
    rules = []
    for rule in tree[:_MOST_RULES] if isinstance(tree, list) else []:
        if isinstance(rule, dict) and isinstance(location := rule.get("location"), str):
            reserved = str(rule.get("tdm-reservation", "")).strip() == "1"
            rules.append((_location(location), reserved))
    return TdmRules(tuple(rules))


def _location(text: str) -> re.Pattern[str]:
    """A location as a pattern: `*` stands for anything, `$` for the end, as in robots.txt."""
    anchored = text.endswith("$")
    pieces = re.sub(r"\*+", "*", text.removesuffix("$")).split("*")
    # Possessive steps: a pattern of many stars must not take long on a path that does not fit.
    pattern = re.escape(pieces[0])
    for piece in pieces[1:-1]:
        pattern += f"(?>.*?{re.escape(piece)})"
    if len(pieces) > 1:
        last = re.escape(pieces[-1])
        pattern += f".*{last}" if anchored else f"(?>.*?{last})"
    return re.compile(pattern + (r"\Z" if anchored else ""), re.DOTALL)


class OptOuts:
    """Hosts and URLs that lists name: a host with all below it, a URL, or URLs that begin so."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        """Takes lines: `host`, `http(s)://host/path`, or the same with `*` at its end; # comments.

        The scheme of a URL says nothing: who opts out by http means https too.
        """
        self._hosts: set[str] = set()
        self._urls: set[str] = set()
        self._starts: set[str] = set()
        self._lengths: set[int] = set()
        for raw in lines:
            if line := raw.partition("#")[0].strip():
                self._take(line)

    def _take(self, line: str) -> None:
        _, scheme, rest = line.partition("://")
        if not scheme:
            self._hosts.add(line.lower().strip(".").removeprefix("*."))
        elif line.endswith("*"):
            self._starts.add(_bare(rest[:-1]))
        else:
            self._urls.add(_bare(rest))
        self._lengths = {len(start) for start in self._starts}

    def judge(self, url: str) -> Why | None:
        """Why a URL is out by the lists, or None."""
        if not (self._hosts or self._urls or self._starts):
            return None
        bare = _bare(url.partition("://")[2].partition("#")[0])
        if bare in self._urls:
            return _listed("URL")
        if any(bare[:length] in self._starts for length in self._lengths):
            return _listed("URL")
        try:
            host = (urlsplit(url).hostname or "").rstrip(".")
        except ValueError:
            return None
        while host:
            if host in self._hosts:
                return _listed(host)
            host = host.partition(".")[2]
        return None


def read_opt_outs(paths: Iterable[str], read: Callable[[str], bytes]) -> OptOuts:
    """The lists of some files, UTF-8, one entry a line.

    Raises:
        OSError: one cannot be read.
    """
    return OptOuts(
        line for path in paths for line in read(path).decode("utf-8-sig", "replace").splitlines()
    )


def _bare(rest: str) -> str:
    """A URL without its scheme, its host in lower case, a path at least."""
    host, slash, path = rest.partition("/")
    return f"{host.lower().rstrip('.')}/{path}" if slash else f"{host.lower()}/"


def _listed(what: str) -> Why:
    return Why(Reason.OPT_OUT, "opt-out list", detail=what)
