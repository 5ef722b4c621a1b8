"""Failures of earlier fetches that a build is told to ask for again: `--retry REASON[,REASON]`."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import pyarrow.parquet as pq

from pipeline.options import OptionsError
from pipeline.stages.asking import iso_time
from pipeline.stages.beam_files import FILES
from pipeline.store.ledger import LEDGER, Retry, read_retries, row_files, write_retries
from schemas.rejection import Reason

RETRIED = (
    Reason.TIMEOUT,
    Reason.CONNECTION,
    Reason.UNRESOLVED_HOST,
    Reason.HTTP_STATUS,
    Reason.NOT_FOUND,
    Reason.REDIRECTS,
    Reason.EMPTY_BODY,
    Reason.BAD_ENCODING,
    Reason.TOO_MANY_BYTES,
    Reason.ROBOTS,
    Reason.OPT_OUT,
    Reason.BAD_URL,
    Reason.FORBIDDEN_ADDRESS,
    Reason.NOT_MEDIA,
    Reason.FORMAT,
    Reason.TOO_SMALL,
    Reason.TOO_LARGE,
    Reason.ASPECT,
    Reason.LISTED_HASH,
)
"""Every reason for which a fetch fails and is kept in the ledger."""


def parse_reasons(text: str) -> tuple[str, ...]:
    """The reasons that `--retry` names, each once.

    Raises:
        OptionsError: one that no fetch fails for; the message lists those there are.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in RETRIED]
    if unknown or not names:
        said = f"unknown reason {', '.join(unknown)}" if unknown else "no reason given"
        raise OptionsError(f"--retry {text}: {said} (known: {', '.join(RETRIED)})")
    return names


def ask_again(root: str, reasons: Sequence[str], now: datetime) -> list[str]:
    """Lets failures be asked for again; a line for each of the reasons.

    It is written down, so that a build that is killed afterwards goes on with it. Where nothing
    failed for these reasons nothing changes.

    Args:
        root: the work folder.
        reasons: of the failures.
        now: what fails from here on is not meant.
    """
    failed = _failed(root, reasons)
    kinds = sorted({kind for kind, _ in failed})
    if kinds:
        retry = Retry(tuple(reasons), iso_time(now), tuple(kinds))
        write_retries(root, (*read_retries(root, FILES), retry), FILES)
    lines = []
    for reason in reasons:
        counts = [(kind, failed[kind, reason]) for kind in kinds if failed[kind, reason]]
        told = ", ".join(f"{number} {kind}{'s' * (number > 1)}" for kind, number in counts)
        lines.append(f"retry: {reason}: {told or 'nothing failed for it'}")
    return lines


def _failed(root: str, reasons: Sequence[str]) -> Counter[tuple[str, str]]:
    """How many URLs failed for some reasons when they were last asked, by kind and reason."""
    newest: dict[tuple[str, str], tuple[str, str | None]] = {}
    for path in row_files(FILES.list(f"{root}/{LEDGER}")):
        with FILES.open(path) as stream:
            table = pq.read_table(stream, columns=["url", "kind", "time", "reason"])
        for url, kind, time, reason in zip(*(c.to_pylist() for c in table.columns), strict=True):
            newest[url, kind] = max(newest.get((url, kind), ("", None)), (time, reason), key=_time)
    failures = ((kind, reason or "") for (_, kind), (_, reason) in newest.items())
    return Counter(failure for failure in failures if failure[1] in reasons)


def _time(row: tuple[str, str | None]) -> str:
    return row[0]
