"""What was published, file by file, so that a later run notices what has been lost or changed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.stages.beam_files import FILES, is_local

SEALS = "work/published.json"


@dataclass(frozen=True, slots=True)
class Seal:
    """A published file: its path below the work folder, "" where it has none, and its sha256."""

    source: str
    sha256: str


def write_seals(output: str, sources: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Writes down what is published.

    Args:
        output: the folder of the build.
        sources: path below the work folder by path below the output.
        known: sha256s that need not be made again, by path below the output.
    """
    seals = {
        path: [source, known.get(path) or _digest(f"{output}/{path}")]
        for path, source in sorted(sources.items())
    }
    FILES.write(f"{output}/{SEALS}", json.dumps(seals, indent=1).encode())


def read_seals(output: str) -> dict[str, Seal]:
    """What was published, by path below the output; empty where that is not known."""
    path = f"{output}/{SEALS}"
    try:
        seals = json.loads(FILES.read(path)) if FILES.exists(path) else {}
        return {path: Seal(*seal) for path, seal in seals.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def fault_of(path: str, seal: Seal) -> str | None:
    """What is wrong with a file; a bucket keeps digests itself, there it is only looked for."""
    if not FILES.exists(path):
        return "is gone"
    if is_local(path) and _digest(path) != seal.sha256:
        return "is not as it was written"
    return None


def _digest(path: str) -> str:
    with FILES.open(path) as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
