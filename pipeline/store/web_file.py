"""A file on a web server, read by ranges: how Common Crawl's WARC files lie on the open web."""

import io
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, BinaryIO

_BUFFER = 4 << 20
_ATTEMPTS = 6
_TIMEOUT_S = 60
_MISSING = frozenset({401, 403, 404, 410})
"""Common Crawl's server answers 403 for what is not there."""
_WAIT_AND_ASK_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


def is_web(path: str) -> bool:
    """Whether a path is that of a file on a web server."""
    return path.startswith(("http://", "https://"))


def open_web(path: str, sleep: Callable[[float], None] = time.sleep) -> BinaryIO:
    """The file as a seekable stream; its `raw` asks for exactly the bytes that are read.

    Raises:
        FileNotFoundError: the server has no such file.
        OSError: it does not answer, or not with ranges.
    """
    return io.BufferedReader(WebFile(path, sleep), _BUFFER)


class WebFile(io.RawIOBase):
    """Bytes behind a URL, one request a read; overload and lost connections are waited out."""

    def __init__(self, url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__()
        self._url, self._sleep = url, sleep
        self._at = 0
        self._size = -1
        self._get(0, 1)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, without a request."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - Buffer has no name before 3.12
        """Fill the buffer from one request; 0 at the end."""
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._size - self._at)
        if wanted <= 0:
            return 0
        content = self._get(self._at, wanted)
        view[: len(content)] = content
        self._at += len(content)
        return len(content)

    def _get(self, start: int, size: int) -> bytes:
        """The bytes from `start`, asked for again after a pause where the server is busy."""
        for attempt in range(_ATTEMPTS):
            try:
                return self._ask(start, size)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code == 416 and self._size < 0:  # an empty file has no range
                    self._size = 0
                    return b""
                if error.code in _MISSING:
                    raise FileNotFoundError(f"{self._url}: HTTP status {error.code}") from None
                if error.code not in _WAIT_AND_ASK_AGAIN or attempt == _ATTEMPTS - 1:
                    raise OSError(f"{self._url}: HTTP status {error.code}") from None
            except (OSError, HTTPException) as error:
                if isinstance(error, _NoRanges) or attempt == _ATTEMPTS - 1:
                    raise OSError(f"{self._url}: {error}") from None
            self._sleep(2.0**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _ask(self, start: int, size: int) -> bytes:
        headers = {"Range": f"bytes={start}-{start + size - 1}", "Accept-Encoding": "identity"}
        request = urllib.request.Request(self._url, headers=headers)  # noqa: S310 - is_web() said so
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:  # noqa: S310
            total = (reply.headers.get("Content-Range") or "").rpartition("/")[2]
            if reply.status != 206 or not total.isdigit():
                raise _NoRanges("the server gives no ranges of the file")
            self._size = int(total)
            content: bytes = reply.read(size)
        if len(content) < min(size, self._size - start):
            raise OSError("the answer was cut")
        return content


class _NoRanges(OSError):
    """The server sends whole files only; asking again does not help."""
