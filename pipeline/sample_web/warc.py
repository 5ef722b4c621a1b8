"""The made-up web as one WARC file: response records, compressed one by one."""

import gzip
from base64 import b32encode
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import BinaryIO

from pipeline.sample_web.parts import Resource
from schemas.keys import make_key

_START = datetime(2021, 3, 1, tzinfo=UTC)
_REASONS = {200: "OK", 404: "Not Found"}
_COMPRESSED = ("image/", "video/")


class WarcFile:
    """Writes records to a file; the same records at the same times give the same bytes.

    A URL is written once: a crawler does not fetch it again.
    """

    def __init__(self, file: BinaryIO, seed: int) -> None:
        self._file = file
        self._seed = seed
        self._seen: set[str] = set()
        self._time = _START + timedelta(days=seed % 1000)
        self._write_info()

    def write(self, resource: Resource) -> None:
        """One response record, unless its URL was written before."""
        if resource.url in self._seen:
            return
        self._seen.add(resource.url)
        self._time += timedelta(seconds=1)
        http = (
            f"HTTP/1.1 {resource.status} {_REASONS[resource.status]}\r\n"
            f"Date: {self._time:%a, %d %b %Y %H:%M:%S} GMT\r\n"
            f"Content-Type: {resource.content_type}\r\n"
            f"Content-Length: {len(resource.body)}\r\n\r\n"
        ).encode("ascii")
        headers = {
            "WARC-Target-URI": resource.url,
            "Content-Type": "application/http; msgtype=response",
            "WARC-Payload-Digest": _digest(resource.body),
            "WARC-Block-Digest": _digest(http + resource.body),
        }
        level = 1 if resource.content_type.startswith(_COMPRESSED) else 6
        self._record("response", headers, http + resource.body, level)

    def _write_info(self) -> None:
        body = b"software: open-m3w pipeline.sample_web\r\nformat: WARC File Format 1.0\r\n"
        headers = {"WARC-Filename": "web.warc.gz", "Content-Type": "application/warc-fields"}
        self._record("warcinfo", headers, body, 6)

    def _record(self, kind: str, headers: dict[str, str], block: bytes, level: int) -> None:
        key = make_key(str(self._seed), kind, headers.get("WARC-Target-URI", ""))
        uuid = f"{key[:8]}-{key[8:12]}-4{key[13:16]}-8{key[17:20]}-{key[20:32]}"
        lines = {
            "WARC-Type": kind,
            "WARC-Record-ID": f"<urn:uuid:{uuid}>",
            "WARC-Date": f"{self._time:%Y-%m-%dT%H:%M:%SZ}",
            **headers,
            "Content-Length": str(len(block)),
        }
        head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._file.write(
            gzip.compress(head.encode("ascii") + b"\r\n" + block + b"\r\n\r\n", level, mtime=0)
        )


def _digest(content: bytes) -> str:
    """As crawlers write it: SHA-1 in base 32."""
    return "sha1:" + b32encode(sha1(content, usedforsecurity=False).digest()).decode("ascii")
