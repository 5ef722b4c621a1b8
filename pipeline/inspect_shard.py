"""Looks into shards: lists samples, shows them, checks every byte, counts.

Examples:
    python -m pipeline.inspect_shard ls OUT/m3w/m3w-000000.tar
    python -m pipeline.inspect_shard show OUT/m3w/m3w-000000.tar 3
    python -m pipeline.inspect_shard show OUT/m3w/m3w-000000.tar 5f0c --extract seen/
    python -m pipeline.inspect_shard verify OUT
    python -m pipeline.inspect_shard stats 'OUT/align/*.tar' --json

A path is a tar, a glob, or the output folder of a build, local or remote (gs://, s3://). Any
WebDataset tar will do, but for `verify`: it knows samples of this project, and holds them against
their index and the manifest, or without these against the digest that each carries of itself.
Exit codes: 0 done, 1 a shard is damaged or a sample not found, 2 wrong usage.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.store.shard_faults import sample_json, verify_shard
from pipeline.store.shard_files import NoShards, Sample, ShardFile, find_shards, read_samples
from pipeline.store.shard_stats import ShardStats
from pipeline.store.shard_text import printable, render_sample, sample_counts
from schemas.rejection import BadInput
from schemas.tar import is_safe_name

_COLUMNS = ("index", "key", "texts", "images", "videos", "words", "bytes", "url")
_SELECTOR = re.compile(r"[0-9]{1,9}|[0-9a-f]{4,64}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        selectors = _take_selectors(options.paths) if options.command == "show" else []
        shards = find_shards(options.paths)
    except NoShards as error:
        parser.error(str(error))
    except ValueError as error:
        _say(str(error))
        return 1
    commands: dict[str, Callable[[], int]] = {
        "ls": lambda: list_samples(shards, as_json=options.json),
        "show": lambda: show_samples(
            shards, selectors, as_json=options.json, extract=getattr(options, "extract", None)
        ),
        "verify": lambda: verify(shards, as_json=options.json),
        "stats": lambda: count(shards, as_json=options.json),
    }
    try:
        return commands[options.command]()
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has seen enough
        return 0


def list_samples(shards: Sequence[ShardFile], *, as_json: bool) -> int:
    """Print one line a sample; returns the exit code."""
    damaged = _Damage()
    for shard in shards:
        if not as_json:
            _print(f"{shard.name}\n" + "\t".join(_COLUMNS))
        for sample in damaged.guard(shard):
            counts = sample_counts(sample)
            if as_json:
                _print(json.dumps({"shard": shard.name, **counts}))
            else:
                _print(printable("\t".join(str(counts[column]) for column in _COLUMNS)))
    return damaged.exit_code


def show_samples(
    shards: Sequence[ShardFile],
    selectors: Sequence[str],
    *,
    as_json: bool,
    extract: Path | None = None,
) -> int:
    """Print the samples selected, by default the first; returns the exit code.

    Args:
        shards: to look in.
        selectors: beginnings of keys, or numbers counted over all shards from 0.
        as_json: one JSON object a sample: its JSON, and its members' names and sizes.
        extract: a folder to write the members of the shown samples to.
    """
    damaged = _Damage()
    wanted = selectors or ["0"]
    missing = set(wanted)
    for shard, sample, found in _selected(shards, wanted, damaged):
        missing -= found
        if as_json:
            _print(json.dumps(_sample_object(shard, sample)))
        else:
            _print(render_sample(sample, shard.name))
        if extract is not None:
            _extract(sample, extract)
    for selector in sorted(missing):
        _say(f"no sample {selector}")
    return 1 if missing else damaged.exit_code


def verify(shards: Sequence[ShardFile], *, as_json: bool) -> int:
    """Print every fault of every shard; returns the exit code."""
    seen: dict[str, dict[str, str]] = {}
    faults = samples = 0
    for shard in shards:
        report = verify_shard(shard, seen.setdefault(shard.corpus or shard.name, {}))
        faults += len(report.faults)
        samples += report.samples
        if as_json:
            _print(json.dumps(asdict(report)))
        for fault in () if as_json else report.faults:
            _print(printable(f"{shard.name}: {fault}"))
        if not as_json and not report.faults:
            held = "as its index says" if report.has_index else "by its samples' digests, no index"
            _print(f"{shard.name}: {report.samples} samples, whole, {held}")
    if not as_json:
        _print(f"{len(shards)} shards, {samples} samples, {faults} faults")
    return 1 if faults else 0


def count(shards: Sequence[ShardFile], *, as_json: bool) -> int:
    """Print numbers by corpus; returns the exit code."""
    damaged = _Damage()
    stats: dict[str, ShardStats] = {}
    for shard in shards:
        of_corpus = stats.setdefault(shard.corpus or "other", ShardStats())
        of_corpus.shards += 1
        for sample in damaged.guard(shard):
            of_corpus.add(sample)
    for corpus, of_corpus in stats.items():
        summary = {"corpus": corpus, **of_corpus.summary()}
        if as_json:
            _print(json.dumps(summary))
        else:
            _print(printable("\n".join(_stats_lines(summary))) + "\n")
    return damaged.exit_code


class _Damage:
    """Reads shards until they are damaged, says so, and remembers it."""

    def __init__(self) -> None:
        self.exit_code = 0

    def guard(self, shard: ShardFile) -> Iterator[Sample]:
        """The whole samples of a shard."""
        try:
            with shard.open() as stream:
                yield from read_samples(stream)
        except (BadInput, OSError) as error:
            what = error.why.value if isinstance(error, BadInput) else error.strerror or error
            _say(f"{shard.name}: {what}")
            self.exit_code = 1


def _selected(
    shards: Sequence[ShardFile], wanted: Sequence[str], damaged: _Damage
) -> Iterator[tuple[ShardFile, Sample, set[str]]]:
    """The samples that a selector names, each with the selectors that name it."""
    numbers = {int(selector) for selector in wanted if _is_number(selector)}
    only_numbers = all(_is_number(selector) for selector in wanted)
    number = 0
    for shard in shards:
        for sample in damaged.guard(shard):
            keys = {one for one in wanted if not _is_number(one) and sample.key.startswith(one)}
            if keys or number in numbers:
                yield shard, sample, keys | _numbered(wanted, number)
            if only_numbers and number == max(numbers):
                return
            number += 1


def _numbered(wanted: Sequence[str], number: int) -> set[str]:
    return {one for one in wanted if _is_number(one) and int(one) == number}


def _is_number(selector: str) -> bool:
    return selector.isdigit() and len(selector) < 10


def _take_selectors(paths: list[str]) -> list[str]:
    """The words among paths that are keys or numbers and no file's name, taken out of them."""
    words = [path for path in paths if _SELECTOR.fullmatch(path) and not Path(path).exists()]
    paths[:] = [path for path in paths if path not in words]
    if not paths:
        raise NoShards("no path among the arguments of show")
    return words


def _sample_object(shard: ShardFile, sample: Sample) -> dict[str, Any]:
    texts = {
        member.name: member.content.decode("utf-8", "replace")
        for member in sample.members
        if member.name.endswith(".txt")
    }
    return {
        "shard": shard.name,
        "key": sample.key,
        "index": sample.index,
        "members": [
            {"name": member.name, "offset": member.offset, "size": len(member.content)}
            for member in sample.members
        ],
        "json": sample_json(sample),
        "texts": texts,
    }


def _extract(sample: Sample, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for member in sample.members:
        name = member.name.rpartition("/")[2]
        if is_safe_name(name):
            (folder / name).write_bytes(member.content)
            _say(f"wrote {folder / name}")
        else:
            _say(f"not written, unsafe name: {member.name!r}")


def _stats_lines(summary: dict[str, Any]) -> Iterator[str]:
    yield f"{summary['corpus']}: {summary['samples']} samples in {summary['shards']} shards"
    for name in ("texts", "images", "videos", "words", "bytes"):
        yield f"  {name:<16}{summary[name]:>14,}"
    columns = ("mean", "min", "p5", "median", "p95", "max")
    yield f"  {'per sample':<16}" + "".join(f"{column:>12}" for column in columns)
    for name, values in summary["per_sample"].items():
        yield f"  {name:<16}" + "".join(f"{values[column]:>12.6g}" for column in columns)
    for name in ("languages", "largest_hosts"):
        words = ", ".join(f"{word or '?'} {times}" for word, times in summary[name].items())
        if words:
            yield f"  {name}: {words}"


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _say(text: str) -> None:
    sys.stderr.write(printable(text) + "\n")


def _parser() -> argparse.ArgumentParser:
    summary, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.inspect_shard",
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="ls|show|verify|stats")
    for name, what in (
        ("ls", "one line a sample"),
        ("show", "samples in reading order: by number, by the beginning of a key, or the first"),
        ("verify", "every fault of every shard"),
        ("stats", "counts by corpus"),
    ):
        command = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        metavar = "PATH|KEY|NUMBER" if name == "show" else "PATH"
        command.add_argument("paths", nargs="+", metavar=metavar, help="tar, glob, or folder")
        command.add_argument("--json", action="store_true", help="one JSON object a line")
        if name == "show":
            command.add_argument(
                "--extract", type=Path, metavar="DIR", help="write the members shown to a folder"
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
