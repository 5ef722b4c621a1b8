"""One HTTP answer at a time, by aiohttp, from public addresses only."""

import errno
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.extract.links import writable
from pipeline.media.addresses import ForbiddenAddress, Network, pinned_resolver
from schemas.rejection import BadInput, Reason

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from aiohttp.abc import AbstractResolver
    from yarl import URL

CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer whose body is still to come.

    Attributes:
        status: of the answer.
        headers: names in lower case with their values, in order.
        chunks: the body as it is on the wire, content encoding and all.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: AsyncIterator[bytes]

    def header(self, name: str) -> str:
        """The first value of a header, or ""."""
        return next(iter(self.header_values(name)), "")

    def header_values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]


Opener = Callable[["URL"], AbstractAsyncContextManager[Reply]]
"""Asks for one URL, follows no redirect, raises BadInput where there is no answer."""


@asynccontextmanager
async def open_aiohttp(
    user_agent: str,
    allowed: Sequence[Network],
    connections: int,
    resolver: "AbstractResolver | None" = None,
) -> AsyncIterator[Opener]:
    """An opener over one aiohttp session: keep-alive, no cookies, no proxies, no decompression."""
    import aiohttp

    inner = resolver or aiohttp.ThreadedResolver()
    connector = aiohttp.TCPConnector(
        resolver=pinned_resolver(inner, allowed), limit=connections, ttl_dns_cache=300
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
        headers={"User-Agent": user_agent, "Accept-Encoding": "gzip, deflate, br, zstd"},
    )
    async with session:
        yield lambda url: _ask(session, url)


@asynccontextmanager
async def _ask(session: "ClientSession", url: "URL") -> AsyncIterator[Reply]:
    """One request; whatever goes wrong on the way is a BadInput that names no URL."""
    import aiohttp

    try:
        async with session.get(url, allow_redirects=False) as response:
            headers = tuple(
                (name.lower(), writable(value)) for name, value in response.headers.items()
            )
            yield Reply(response.status, headers, response.content.iter_chunked(CHUNK_BYTES))
    except aiohttp.ClientConnectorDNSError as error:
        raise _unresolved(error.os_error) from None
    except aiohttp.InvalidURL:
        raise BadInput(Reason.BAD_URL, "host") from None
    except aiohttp.ClientPayloadError:
        raise BadInput(Reason.CONNECTION, "body cut short") from None
    except aiohttp.ClientResponseError:
        raise BadInput(Reason.CONNECTION, "not HTTP") from None
    except aiohttp.ClientSSLError:
        raise BadInput(Reason.CONNECTION, "tls") from None
    except aiohttp.ClientConnectorError as error:
        raise BadInput(Reason.CONNECTION, _name_of(error.os_error)) from None
    except (aiohttp.ClientError, ConnectionError) as error:
        raise BadInput(Reason.CONNECTION, type(error).__name__) from None


def _unresolved(error: OSError) -> BadInput:
    if isinstance(error, ForbiddenAddress):
        return BadInput(error.why.reason, error.why.value, error.why.limit)
    return BadInput(Reason.UNRESOLVED_HOST, type(error).__name__)


def _name_of(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
