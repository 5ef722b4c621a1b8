"""Looks into shards: lists and shows samples, checks every byte, counts, measures sources.

Examples:
    python -m pipeline.inspect_shard ls OUT/m3w/m3w-000000.tar
    python -m pipeline.inspect_shard show OUT/m3w/m3w-000000.tar 3
    python -m pipeline.inspect_shard show OUT/m3w/m3w-000000.tar 5f0c --extract seen/
    python -m pipeline.inspect_shard view OUT --number 20 --output samples.html
    python -m pipeline.inspect_shard verify OUT
    python -m pipeline.inspect_shard stats 'OUT/align/*.tar' --json
    python -m pipeline.inspect_shard sources OUT/ltip

A path is a tar, a glob, or the output folder of a build, local or remote (gs://, s3://). Any
WebDataset tar will do, but for `verify`: it knows samples of this project, and holds them against
their index and the manifest, or without these against the digest that each carries of itself.
Exit codes: 0 done, 1 a shard is damaged or a sample not found, 2 wrong usage.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.store.shard_faults import sample_json, verify_shard
from pipeline.store.shard_files import (
    NoShards,
    Sample,
    ShardFile,
    find_shards,
    read_samples,
    write_whole,
)
from pipeline.store.shard_sources import ShardSources, source_lines
from pipeline.store.shard_stats import ShardStats, stats_lines
from pipeline.store.shard_text import printable, render_sample, sample_counts
from schemas.rejection import BadInput
from schemas.tar import is_safe_name

VIEW = "samples.html"
VIEW_SAMPLES = 12
_COLUMNS = ("index", "key", "texts", "images", "videos", "words", "bytes", "url")
_SELECTOR = re.compile(r"[0-9]{1,9}|[0-9a-f]{4,64}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        has_selectors = options.command in ("show", "view")
        selectors = _take_selectors(options.paths) if has_selectors else []
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
        "sources": lambda: sources(shards, as_json=options.json),
        "view": lambda: view(
            shards, selectors, as_json=options.json, number=options.number, output=options.output
        ),
    }
    if options.command == "view" and selectors and options.number is not None:
        parser.error("--number is for samples that no KEY or NUMBER names")
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
            _print(printable("\n".join(stats_lines(summary))) + "\n")
    return damaged.exit_code


def sources(shards: Sequence[ShardFile], *, as_json: bool) -> int:
    """Print what the pairs of each host are like; returns the exit code."""
    damaged, found = _Damage(), ShardSources()
    for shard in shards:
        for sample in damaged.guard(shard):
            found.add(shard.corpus or "other", sample)
    hosts = list(found.figures())
    objects = (json.dumps({"corpus": corpus, **one.summary()}) for corpus, one in hosts)
    for line in objects if as_json else source_lines(hosts):
        _print(line)
    return damaged.exit_code


def view(
    shards: Sequence[ShardFile],
    selectors: Sequence[str],
    *,
    as_json: bool,
    number: int | None = None,
    output: str = VIEW,
) -> int:
    """Write an HTML page of samples and print its path; returns the exit code.

    Args:
        shards: to look in.
        selectors: as of `show_samples`; none for the first samples of each corpus.
        as_json: one JSON object: the page's path and size, and what stands on it.
        number: of samples of each corpus, where there are no selectors.
        output: the page, local or remote.
    """
    from pipeline.report.view import View

    damaged, page, missing = _Damage(), View(), set(selectors)
    listed = []
    for shard, sample, found in (
        _selected(shards, selectors, damaged)
        if selectors
        else _first_of_each(shards, number or VIEW_SAMPLES, damaged)
    ):
        missing -= found
        listed.append({"shard": shard.name, "index": sample.index, "key": sample.key})
        if fault := page.add(shard, sample):
            damaged.say(f"{shard.name}: sample {sample.index}: {fault}")
    for selector in sorted(missing):
        damaged.say(f"no sample {selector}")
    if not listed:
        damaged.say("no sample to view, no page written")
    elif (size := _write_page(output, page.render())) is None:
        return 1
    else:
        written = {"output": output, "bytes": size, "samples": listed}
        _print(json.dumps(written) if as_json else output)
    return damaged.exit_code


def _write_page(output: str, page: str) -> int | None:
    """The size of the page written; None, with a word on stderr, where it cannot be."""
    content = page.encode()
    try:
        write_whole(output, content)
    except (OSError, ValueError, ImportError) as error:  # fsspec's on protocols it lacks
        what = error.strerror if isinstance(error, OSError) else None
        _say(f"{output}: cannot be written: {what or error}")
        return None
    return len(content)


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
            self.say(f"{shard.name}: {what}")

    def say(self, text: str) -> None:
        """Say what is wrong, which fails the command."""
        _say(text)
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


def _first_of_each(
    shards: Sequence[ShardFile], number: int, damaged: _Damage
) -> Iterator[tuple[ShardFile, Sample, set[str]]]:
    """The first samples of each corpus; tars of other making count as one."""
    counts: Counter[str] = Counter()
    for shard in shards:
        for sample in islice(damaged.guard(shard), number - counts[shard.corpus]):
            counts[shard.corpus] += 1
            yield shard, sample, set()


def _numbered(wanted: Sequence[str], number: int) -> set[str]:
    return {one for one in wanted if _is_number(one) and int(one) == number}


def _is_number(selector: str) -> bool:
    return selector.isdigit() and len(selector) < 10


def _take_selectors(paths: list[str]) -> list[str]:
    """The words among paths that are keys or numbers and no file's name, taken out of them."""
    words = [path for path in paths if _SELECTOR.fullmatch(path) and not Path(path).exists()]
    paths[:] = [path for path in paths if path not in words]
    if not paths:
        raise NoShards("no path among the arguments, only KEY or NUMBER")
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
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="ls|show|verify|stats|sources|view"
    )
    for name, what in (
        ("ls", "one line a sample"),
        ("show", "samples in reading order: by number, by the beginning of a key, or the first"),
        ("verify", "every fault of every shard"),
        ("stats", "counts by corpus"),
        ("sources", "hosts of pairs: how long, how like their images, how various their texts"),
        ("view", "an HTML page of samples: by number, by the beginning of a key, or the first"),
    ):
        command = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        metavar = "PATH|KEY|NUMBER" if name in ("show", "view") else "PATH"
        command.add_argument("paths", nargs="+", metavar=metavar, help="tar, glob, or folder")
        command.add_argument("--json", action="store_true", help="one JSON object a line")
        if name == "show":
            command.add_argument(
                "--extract", type=Path, metavar="DIR", help="write the members shown to a folder"
            )
        if name == "view":
            _add_view_options(command)
    return parser


def _add_view_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--output", type=_html_name, default=VIEW, metavar="FILE", help=f"the page ({VIEW})"
    )
    command.add_argument(
        "--number",
        type=_at_least_one,
        metavar="N",
        help=f"samples of each corpus, from its first ({VIEW_SAMPLES})",
    )


def _html_name(name: str) -> str:
    if not name.endswith((".html", ".htm")):
        raise argparse.ArgumentTypeError(f"{name!r} does not end in .html")
    return name


def _at_least_one(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 10 and int(word)):
        raise argparse.ArgumentTypeError(f"{word!r} is not a number of at least 1")
    return int(word)


if __name__ == "__main__":
    sys.exit(main())
