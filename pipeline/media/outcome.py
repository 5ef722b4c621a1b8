"""How media are fetched, and what came of it."""

from dataclasses import dataclass

from pipeline.media.glance import Seen
from pipeline.media.politeness import OPT_OUT_WORDS
from schemas.recipe import bounded
from schemas.rejection import Why


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How politely and how far media are fetched.

    Attributes:
        total_timeout_s: of one URL's transfer with all its redirects; waiting for the host's turn
            does not count.
        max_bytes: of a body, on the wire and after inflation.
        max_video_bytes: the same for what the server calls a video.
        max_redirects: hops from the URL on a page to the media.
        retries: further attempts after a lost connection or a 429, 500, 502, 503 or 504.
        retry_wait_s: pause before the second attempt, doubled before each further one.
        max_wait_s: longest pause that a host may ask for (Retry-After, crawl-delay); what asks for
            a longer one is not fetched.
        max_host_failures: a host that lost or let time out so many requests in a row is given up.
        connections: requests at once, all hosts together.
        per_host_connections: requests at once to one host.
        per_host_delay_s: least time between the starts of two requests to one host.
        user_agent: what we call ourselves; give a URL or an address where you can be reached.
        allowed_private: addresses and networks that may be connected to although not public.
        respect_robots: obey robots.txt.
        respect_tdm: keep out what is reserved from text and data mining (W3C TDMRep): by a header,
            by the site's `/.well-known/tdmrep.json`, by a page's own head.
        opt_out_words: directives of X-Robots-Tag, and of a page's own meta elements for robots or
            for our name, that keep a file or a page out; [] for none.
        opt_out_files: lists of who has opted out, one a line: a host, with all hosts below it; a
            URL; or a URL's beginning with `*` behind it.
        max_age_days: what was fetched for the same output, or failed, is not asked for again so
            long (`--retry REASON` asks failures again).
        url_map: a table (csv, parquet) with columns url and path, of media whose bytes lie in files
            already; relative paths begin beside it.
        offline: open no socket; every URL that is not there already is `offline`.
    """

    total_timeout_s: float = bounded(30.0, at_least=0.05)
    max_bytes: int = bounded(20 << 20, at_least=1)
    max_video_bytes: int = bounded(100 << 20, at_least=1)
    max_redirects: int = 5
    retries: int = 2
    retry_wait_s: float = 1.0
    max_wait_s: float = 60.0
    max_host_failures: int = bounded(10, at_least=1)
    connections: int = bounded(64, at_least=1)
    per_host_connections: int = bounded(2, at_least=1)
    per_host_delay_s: float = 0.1
    user_agent: str = "open-m3w/0.1"
    allowed_private: tuple[str, ...] = ()
    respect_robots: bool = True
    respect_tdm: bool = True
    opt_out_words: tuple[str, ...] = OPT_OUT_WORDS
    opt_out_files: tuple[str, ...] = ()
    max_age_days: float = bounded(30.0)
    url_map: str = ""
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one URL.

    Attributes:
        url: as asked for.
        final_url: after redirects; the URL that refused where one did.
        status: of the last HTTP answer, 0 where there was none.
        body: the bytes, content encoding removed; None where `why` says why not.
        content_type: as the server says, or "".
        why: the reason without a body; None with one.
        seconds: spent in requests, waiting not counted.
        wire_bytes: of bodies, read from the network.
        seen: what the first bytes say, where somebody looked.
    """

    url: str
    final_url: str
    status: int
    body: bytes | None
    content_type: str
    why: Why | None
    seconds: float
    wire_bytes: int = 0
    seen: Seen | None = None
