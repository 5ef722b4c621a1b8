"""Pages parsed in a process of their own, which is killed where one takes too much.

Every page goes there: 34 KB of tags can take a parser 2 GB, so that no length is safe. The guards
before the parsers know pages that are slow in one and not in the other; this holds for all. CPU
time is counted and not the clock's, so that a busy machine decides nothing.
"""

import fcntl
import gc
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, cast

from pipeline.extract.document import Passage, account_for, extract_document
from pipeline.extract.limits import ExtractLimits
from schemas.records import Block, Document, Page, Role, TextBlock
from schemas.rejection import BadInput, Reason, Why

Parts = list[tuple[str, Role, bool] | Block]
"""The blocks of a document, texts as tuples."""

_CLOCK = 12
"""Seconds on the clock to a second of CPU, before a page is given up."""
_LENGTH_BYTES = 8
_LAST_BREATH_S = 5
_PIPE_BYTES = 1 << 20
"""So much of a page goes through the pipe at once; Linux lets anybody have that."""


@dataclass(slots=True)
class PageExtractor:
    """Documents of pages, by a child process that lives until it is killed."""

    limits: ExtractLimits
    _child: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def extract(self, page: Page) -> Document:
        """The page's document, as `extract_document` makes it.

        Raises:
            BadInput: as there, and PARSE_ERROR with the limit where the page took too much.
        """
        return cast(Document, self._made(page, accounts=False))

    def account_for(self, page: Page) -> tuple[Document, tuple[Passage, ...]]:
        """The document and all of the page piece by piece, as `account_for` makes them.

        Raises:
            BadInput: as `extract`.
        """
        return cast(tuple[Document, tuple[Passage, ...]], self._made(page, accounts=True))

    def _made(self, page: Page, *, accounts: bool) -> object:
        made = self._ask(pickle.dumps((replace(page, body=b""), self.limits, accounts)), page.body)
        if isinstance(made, Why):
            raise BadInput(made.reason, made.value, made.limit)
        return made if accounts else _put_together(cast(tuple[Document, Parts], made))

    def close(self) -> None:
        """Ends the child, if there is one."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.kill()
            self._child.communicate()
            self._child = None

    def _ask(self, *question: bytes) -> object:
        """The answer; what an old child fails at is asked of a new one.

        So no page's verdict depends on those before it.
        """
        is_new = self._child is None
        made = self._exchange(question)
        if isinstance(made, Why) and not is_new and made.reason is Reason.PARSE_ERROR:
            self.close()
            made = self._exchange(question)
        return made

    def _exchange(self, question: tuple[bytes, ...]) -> object:
        child = self._child = self._child or _start()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            for part in question:
                _send(child.stdin, part)
            answer = _receive(child.stdout, time.monotonic() + self.limits.page_cpu_s * _CLOCK)
        except BrokenPipeError:  # it died between two pages, or while it was asked
            answer = None
        if answer is None:
            return self._bury(child)
        made, is_last = pickle.loads(answer)  # noqa: S301 - our own child's
        if is_last:
            self.close()
        return cast(object, made)

    def _bury(self, child: "subprocess.Popen[bytes]") -> Why:
        """Why there is no answer; a child that ended by an exception of ours is no bad page."""
        with suppress(subprocess.TimeoutExpired):
            child.wait(_LAST_BREATH_S)
        code = child.returncode
        self.close()
        if code is not None and code > 0:
            raise RuntimeError(f"the page parser ended with exit status {code}; see stderr")
        if code is None or code == -signal.SIGXCPU:
            return Why(Reason.PARSE_ERROR, "too slow", self.limits.page_cpu_s)
        return Why(Reason.PARSE_ERROR, f"killed by signal {-code}")


def _take_apart(document: Document) -> tuple[Document, Parts]:
    """The document with its texts as bare tuples, which pickle takes in half the time."""
    parts = [
        (block.text, block.role, block.ends_topic) if type(block) is TextBlock else block
        for block in document.blocks
    ]
    return replace(document, blocks=()), parts


def _put_together(made: tuple[Document, Parts]) -> Document:
    """The document of what `_take_apart` gave."""
    document, parts = made
    blocks = [TextBlock(*part) if isinstance(part, tuple) else part for part in parts]
    return replace(document, blocks=tuple(blocks))


def _start() -> "subprocess.Popen[bytes]":
    home = str(Path(__file__).resolve().parents[2])
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "pipeline.extract.alone"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"LANG": "C.UTF-8", "PYTHONPATH": home},
    )
    for pipe in (child.stdin, child.stdout):
        if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):  # it stays at 64 KB
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return child


def _send(stream: IO[bytes], content: bytes) -> None:
    stream.write(len(content).to_bytes(_LENGTH_BYTES, "big"))
    stream.write(content)
    stream.flush()


def _receive(stream: IO[bytes], deadline: float) -> bytes | None:
    """The next message; None where the other side is gone or the time is up."""
    parts: list[bytes] = []
    size, wanted = 0, -1
    while wanted < 0 or size < wanted + _LENGTH_BYTES:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([stream], [], [], left)[0]:
            return None
        part = os.read(stream.fileno(), 1 << 20)
        if not part:
            return None
        parts.append(part)
        size += len(part)
        if wanted < 0 and size >= _LENGTH_BYTES:
            wanted = int.from_bytes(b"".join(parts)[:_LENGTH_BYTES], "big")
    return b"".join(parts)[_LENGTH_BYTES:]


def answer_questions(questions: IO[bytes], answers: IO[bytes]) -> None:
    """An answer to each question until there are no more, or until too much memory is held."""
    is_last = False
    gc.disable()  # it looks through all that is new behind each page, and hardly one leaves a cycle
    while not is_last and (asked := _next_part(questions)):
        page, limits, accounts = pickle.loads(asked)  # noqa: S301 - our own parent's
        page = replace(page, body=_next_part(questions))
        made = _within_limits(page, limits, account_for if accounts else extract_document)
        made = _take_apart(made) if isinstance(made, Document) else made
        del page
        is_last = _holds_much(limits)
        _send(answers, pickle.dumps((made, is_last), pickle.HIGHEST_PROTOCOL))


def _next_part(questions: IO[bytes]) -> bytes:
    """The next part of a question, nothing where there are no more."""
    return questions.read(int.from_bytes(questions.read(_LENGTH_BYTES), "big"))


def _holds_much(limits: ExtractLimits) -> bool:
    """Whether half of a page's memory is held between two pages, garbage collected."""
    most = limits.page_memory_bytes // 2
    if _resident_bytes() <= most:
        return False
    gc.collect()
    return _resident_bytes() > most


def _resident_bytes() -> int:
    """Memory that the process holds now; the peak of getrusage counts its parent's as well."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:  # no Linux
        return 0
    return pages * resource.getpagesize()


def _within_limits(
    page: Page, limits: ExtractLimits, extract: Callable[[Page, ExtractLimits], object]
) -> object:
    """What is made of the page, or why not; the process is killed where it takes too long."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + limits.page_cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_DATA, (limits.page_memory_bytes, resource.RLIM_INFINITY))
    try:
        return extract(page, limits)
    except BadInput as bad:
        return bad.why
    except MemoryError:
        return Why(Reason.PARSE_ERROR, "too much memory", limits.page_memory_bytes)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def main() -> int:
    """Answers what comes by stdin on stdout, which nothing else may write to."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer_questions(sys.stdin.buffer, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
