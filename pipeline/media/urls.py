"""URLs that may be asked for, in one spelling; everything else is a `bad_url`."""

import ipaddress
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urlsplit

from schemas.rejection import BadInput, Reason

if TYPE_CHECKING:
    from yarl import URL

MAX_URL_CHARACTERS = 8192
"""Longer URLs are refused: servers refuse them too (RFC 9110, 4.1 wants 8,000 at least)."""

_PORTS = (80, 443)
_FIRST_FREE_PORT = 1024
_LONGEST_HOST = 253
_LONGEST_LABEL = 63
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_-])?")
_SAFE = re.compile(r"[A-Za-z0-9\-._~:/?@!$&'()*+,;=%|\[\]]*")
_SHOWN = re.compile(r"[^\w.:\[\]/-]")


def parse_url(text: str) -> "URL":
    """The URL to ask for: http or https, its host in lower-case ASCII or as a plain address.

    What is already escaped stays as it is, since signed URLs break when they are escaped anew.

    Raises:
        BadInput: `bad_url` with the part that is wrong, never with a name or a password.
    """
    from yarl import URL

    if len(text) > MAX_URL_CHARACTERS:
        raise BadInput(Reason.BAD_URL, len(text), MAX_URL_CHARACTERS)
    try:
        bare = urldefrag(text.strip()).url
        url = URL(bare)
        _refuse_odd(url)
        port = url.port
        url = url.with_host(_plain_host(url.raw_host or ""))
        raw = urlsplit(bare)
    except BadInput:
        raise
    except ValueError:
        raise BadInput(Reason.BAD_URL, "syntax") from None
    if port not in _PORTS and (port or 0) < _FIRST_FREE_PORT:
        raise BadInput(Reason.BAD_URL, f"port {port}", _FIRST_FREE_PORT)
    query = f"?{raw.query}" if raw.query else ""
    path = f"{raw.path or '/'}{query}"
    return URL(f"{url.origin()}{path}", encoded=True) if _SAFE.fullmatch(path) else url


def show_url(text: str) -> str:
    """A URL for a log line: scheme, host and path; no user, no password, no query."""
    try:
        parts = urlsplit(text)
        shown = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    except ValueError:
        return "(a URL that cannot be read)"
    return _SHOWN.sub("?", shown)[:200]


def _refuse_odd(url: "URL") -> None:
    if url.scheme not in ("http", "https"):
        raise BadInput(Reason.BAD_URL, f"scheme {url.scheme[:20] or 'missing'}")
    if url.raw_user is not None or url.raw_password is not None:
        raise BadInput(Reason.BAD_URL, "user or password")


def _are_labels(host: str) -> bool:
    """Whether each part of a name is as long as names may have it (RFC 1035, 2.3.4)."""
    return all(1 <= len(label) <= _LONGEST_LABEL for label in host.split("."))


def _plain_host(host: str) -> str:
    """A host without a dot at its end; every spelling of an address as that address."""
    host = host.lower().removesuffix(".")
    if ":" in host:
        return str(ipaddress.IPv6Address(host))
    if not _HOST_NAME.fullmatch(host) or len(host) > _LONGEST_HOST or not _are_labels(host):
        raise BadInput(Reason.BAD_URL, "host")
    try:
        return str(ipaddress.IPv4Address(socket.inet_aton(host)))  # 2130706433, 0x7f.1, 127.1
    except OSError:
        return host
