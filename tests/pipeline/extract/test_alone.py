"""Pages are parsed in a process of their own: the same documents, and an end to what is slow."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from pipeline.extract import alone
from pipeline.extract.alone import PageExtractor
from pipeline.extract.document import account_for, extract_document
from pipeline.extract.limits import ExtractLimits
from schemas.records import Page
from schemas.rejection import BadInput, Reason, Why

TEXT = b"<p>This text must stay, whatever stands around it.</p>"
SHORT = Page("short", "http://a.example/", TEXT)
LONG = Page(
    "long", "http://a.example/long", b"<p>Many words about the old ferry.</p>" * 9_000 + TEXT
)
SLOW = Page("slow", "http://a.example/slow", b"<li><b>x</b> <a href=x>y</a>" * 40_000 + TEXT)


@pytest.fixture
def extractor():
    made = PageExtractor(ExtractLimits())
    yield made
    made.close()


def test_pages_give_the_same_documents_by_one_child(extractor):
    assert extractor.extract(SHORT) == extract_document(SHORT)
    assert extractor.account_for(SHORT) == account_for(SHORT)
    child = extractor._child.pid
    assert extractor.extract(LONG) == extract_document(LONG)
    assert extractor._child.pid == child


def test_a_reason_comes_through(extractor):
    empty = replace(LONG, body=b"<br>" * 100_000)
    with pytest.raises(BadInput) as alone:
        extractor.extract(empty)
    with pytest.raises(BadInput) as here:
        extract_document(empty)
    assert alone.value.why == here.value.why


def refused(extractor, page):
    with pytest.raises(BadInput) as bad:
        extractor.extract(page)
    return bad.value.why


def test_too_slow_is_a_reason_and_the_next_page_is_read():
    made = PageExtractor(ExtractLimits(page_cpu_s=1, max_elements=10**7))
    start = time.process_time()
    hard = replace(SLOW, body=b"<table><tr><td>" * 100_000 + TEXT)
    assert refused(made, hard) == Why(Reason.PARSE_ERROR, "too slow", 1)
    assert made._child is None
    made.limits = ExtractLimits()
    assert made.extract(LONG) == extract_document(LONG)
    assert time.process_time() - start < 5
    made.close()


def test_too_much_memory_is_a_reason_and_the_next_page_is_read():
    limits = ExtractLimits(page_memory_bytes=90 << 20, fast_characters=0, max_elements=10**7)
    made = PageExtractor(limits)
    why = refused(made, SLOW)
    assert why.reason is Reason.PARSE_ERROR
    made.limits = ExtractLimits()
    assert made.extract(LONG) == extract_document(LONG)
    made.close()


def test_a_child_that_died_is_replaced(extractor):
    extractor.extract(LONG)
    os.kill(extractor._child.pid, signal.SIGSEGV)
    assert extractor.extract(LONG) == extract_document(LONG)


def test_a_page_that_kills_its_child_is_a_reason(extractor, monkeypatch):
    def start():
        command = [sys.executable, "-c", "import os; os.read(0, 9); os.kill(os.getpid(), 11)"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(alone, "_start", start)
    assert refused(extractor, LONG) == Why(Reason.PARSE_ERROR, "killed by signal 11")


def test_a_child_that_says_nothing_is_not_waited_for(extractor, monkeypatch):
    def start():
        command = [
            sys.executable,
            "-c",
            "import sys, time; sys.stdin.buffer.read(); time.sleep(99)",
        ]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(alone, "_start", start)
    monkeypatch.setattr(alone, "_CLOCK", 0.05)
    monkeypatch.setattr(alone, "_LAST_BREATH_S", 0.05)
    assert refused(extractor, LONG) == Why(Reason.PARSE_ERROR, "too slow", 5)


def test_a_bug_is_no_bad_page(extractor, capfd):
    with pytest.raises(RuntimeError, match="exit status 1; see stderr"):
        extractor.extract(replace(LONG, content_type=None))
    assert "Traceback" in capfd.readouterr().err


def test_a_child_that_holds_much_memory_is_let_go():
    made = PageExtractor(ExtractLimits(page_memory_bytes=60 << 20))
    assert made.extract(LONG) == extract_document(LONG)
    assert made._child is None
