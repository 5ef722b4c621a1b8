"""The recipe's hash lists where bytes come in: what they have is refused before it is kept."""

from dataclasses import replace

from pipeline.media.hash_lists import HashLists, read_hash_lists
from pipeline.media.outcome import Outcome
from pipeline.stages.beam_files import FILES
from schemas.rejection import Reason
from schemas.tables import FetchRow


def lists_of(paths: tuple[str, ...]) -> HashLists:
    """The lists of some files, on disk or in a bucket.

    Raises:
        BadHashList: a line that is no digest.
        OSError: one cannot be read.
    """
    return read_hash_lists(paths, FILES.read)


def without_listed(outcome: Outcome, lists: HashLists) -> Outcome:
    """The outcome as it is, or without the bytes that a list has."""
    why = lists.judge(outcome.body) if outcome.body else None
    return outcome if why is None else replace(outcome, body=None, why=why)


def still_listed(row: FetchRow, lists: HashLists) -> bool:
    """Whether a row of an earlier fetch still holds: what was listed then may be so no more."""
    return row.reason != Reason.LISTED_HASH or lists.names(row.detail or "")
