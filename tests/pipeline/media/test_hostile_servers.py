"""Servers that do not speak HTTP as they should; each within its time, each with a reason."""

import socket
import threading
import time
import tracemalloc
from dataclasses import replace

import pytest

from pipeline.media.fetch import Fetcher
from schemas.rejection import Reason, Why


@pytest.fixture
def speak(limits):
    """Runs a script against whoever connects, and returns what came of a fetch."""
    stop = threading.Event()
    servers = []

    def run(script, **changes):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65536)
                        for piece in script(stop):
                            connection.sendall(piece)
                    except OSError:
                        pass

        threading.Thread(target=serve, daemon=True).start()
        given = replace(limits, respect_robots=False, retries=0, **changes)
        with Fetcher(given) as fetcher:
            (outcome,) = fetcher.fetch([f"http://127.0.0.1:{server.getsockname()[1]}/a"])
        return outcome

    yield run
    stop.set()
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


OK = b"HTTP/1.1 200 OK\r\n"


def slowly(stop, *pieces):
    for piece in pieces:
        if stop.wait(0.05):
            return
        yield piece


SILENT = {
    "nothing at all": lambda stop: slowly(stop, *[b""] * 200),
    "a header a moment": lambda stop: slowly(stop, OK, *[b"X: y\r\n"] * 200),
    "a byte a moment": lambda stop: slowly(stop, OK + b"\r\n", *[b"x"] * 200),
    "a chunk a moment": lambda stop: slowly(
        stop, OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 200
    ),
    "a length that never comes": lambda stop: slowly(
        stop, OK + b"Content-Length: 1000\r\n\r\nabc", *[b""] * 200
    ),
}


@pytest.mark.parametrize("script", SILENT)
def test_slow_servers_end_at_the_total_time(speak, script):
    begun = time.monotonic()
    outcome = speak(SILENT[script], total_timeout_s=0.4)
    assert outcome.why == Why(Reason.TIMEOUT, None, 0.4)
    assert time.monotonic() - begun < 2.4


def pouring(stop, start, piece):
    """The piece again and again, as fast as it is taken."""
    yield start
    while not stop.is_set():
        yield piece


ENDLESS = {
    "a header": (OK + b"X: ", b"y" * 65536),
    "headers": (OK, b"X: y\r\n" * 1000),
    "a status": (b"HTTP/1.1 200 ", b"O" * 65536),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "a chunk's extension": (OK + b"Transfer-Encoding: chunked\r\n\r\n1;a=", b"b" * 65536),
    "trailers": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
        b"X: y\r\n" * 1000,
    ),
    "a body": (OK + b"\r\n", b"x" * 65536),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_never_ends_is_ended(speak, what):
    begun = time.monotonic()
    tracemalloc.start()
    try:
        outcome = speak(
            lambda stop: pouring(stop, *ENDLESS[what]), total_timeout_s=1.0, respect_tdm=False
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.body is None
    ends = (Reason.TIMEOUT, Reason.CONNECTION, Reason.TOO_MANY_BYTES)
    assert outcome.why.reason in ends
    assert time.monotonic() - begun < 2.5
    assert peak < 24 << 20


DAMAGED = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "nothing": b"",
    "half a header": OK + b"Content-Ty",
    "a short body": OK + b"Content-Length: 1000\r\n\r\nabc",
    "a bad chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a cut chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n64\r\nabc",
    "a length that is no number": OK + b"Content-Length: many\r\n\r\nabc",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 300\r\n\r\nabc",
    "a negative length": OK + b"Content-Length: -1\r\n\r\nabc",
    "ten thousand headers": OK + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\nabc",
    "a header of a megabyte": OK + b"X: " + b"y" * (1 << 20) + b"\r\n\r\nabc",
    "a status of words": b"HTTP/1.1 fine thanks\r\n\r\nabc",
}


@pytest.mark.parametrize("script", DAMAGED)
def test_damaged_answers_are_a_lost_connection(speak, script):
    outcome = speak(lambda stop: [DAMAGED[script]])
    assert outcome.why is not None
    assert outcome.why.reason is Reason.CONNECTION
    assert outcome.body is None


def test_a_huge_stated_length_is_not_waited_for(speak):
    outcome = speak(lambda stop: [OK + b"Content-Length: 1000000000000\r\n\r\nabc"])
    assert outcome.why == Why(Reason.TOO_MANY_BYTES, 10**12, 1 << 20)


def test_a_body_without_a_length_ends_with_the_connection(speak):
    assert speak(lambda stop: [OK + b"\r\nabc"]).body == b"abc"


def test_an_unknown_encoding_is_passed_as_it_is(speak):
    """Better an image that cannot be decoded, under that reason, than a guess."""
    outcome = speak(lambda stop: [OK + b"Content-Encoding: xyz\r\nContent-Length: 3\r\n\r\nabc"])
    assert outcome.body == b"abc"
