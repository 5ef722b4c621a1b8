"""A file on a web server, read by ranges, over a loopback server that misbehaves on demand."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from pipeline.store.web_file import is_web, open_web

CONTENT = bytes(range(256)) * 40_000


class Handler(BaseHTTPRequestHandler):
    busy = 0
    asked: ClassVar = []

    def do_GET(self):
        self.asked.append(self.headers["Range"])
        if self.path == "/busy" and Handler.busy:
            Handler.busy -= 1
            self.send_error(503)
        elif self.path == "/missing":
            self.send_error(403)
        elif self.path == "/wrong":
            self.send_error(400)
        elif self.path == "/empty":
            self.send_error(416)
        elif self.path == "/whole":
            self.send_response(200)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"abc")
        else:
            self._range()

    def _range(self):
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        piece = CONTENT[first : last + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(CONTENT)}")
        if self.path == "/cut" and Handler.busy:
            Handler.busy -= 1
            piece = piece[: len(piece) // 2]
        self.send_header("Content-Length", str(len(piece)))
        self.end_headers()
        self.wfile.write(piece)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def server():
    with HTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def fresh():
    Handler.busy, Handler.asked = 0, []


def test_which_paths_lie_on_the_web():
    assert is_web("https://a.example/x")
    assert not is_web("gs://a/x")
    assert not is_web("/http://x")


def test_bytes_at_any_place(server):
    with open_web(f"{server}/file") as stream:
        assert stream.read(10) == CONTENT[:10]
        stream.seek(5_000_000)
        assert stream.read(3) == CONTENT[5_000_000:5_000_003]
        stream.seek(-4, 2)
        assert stream.read() == CONTENT[-4:]
        assert stream.read(1) == b""
        stream.seek(0)
        assert stream.read() == CONTENT


def test_the_raw_stream_asks_for_what_is_read(server):
    with open_web(f"{server}/file") as stream:
        stream.raw.seek(1_000_000)
        assert stream.raw.read(300) == CONTENT[1_000_000:1_000_300]
    assert Handler.asked == ["bytes=0-0", "bytes=1000000-1000299"]


@pytest.mark.parametrize("path", ["busy", "cut"])
def test_what_passes_is_waited_out(server, path):
    waits = []
    with open_web(f"{server}/{path}", waits.append) as stream:
        Handler.busy = 2
        assert stream.read(100) == CONTENT[:100]
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize(
    ("path", "kind", "message"),
    [
        ("missing", FileNotFoundError, "HTTP status 403"),
        ("wrong", OSError, "HTTP status 400"),
        ("whole", OSError, "gives no ranges"),
        ("busy", OSError, "HTTP status 503"),
    ],
)
def test_what_does_not_pass_names_the_file(server, path, kind, message):
    Handler.busy = 9
    with pytest.raises(kind, match=message) as caught:
        open_web(f"{server}/{path}", lambda seconds: None)
    assert f"{server}/{path}" in str(caught.value)


def test_an_empty_file_and_no_server(server):
    with open_web(f"{server}/empty") as stream:
        assert stream.read() == b""
    with pytest.raises(OSError, match=r"http://127.0.0.1:1/x"):
        open_web("http://127.0.0.1:1/x", lambda seconds: None)
