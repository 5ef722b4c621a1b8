"""Build corpora: `python -m pipeline.build --recipe m3w --input 'crawl/*.warc.gz' --output OUT`."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from pipeline.options import DEFAULT_RUNNER, OptionsError, beam_options

if TYPE_CHECKING:
    from pipeline.corpora.request import Request
    from pipeline.stages.run import StageResult, Work
    from schemas.manifest import Manifest

_EXAMPLE = """example:
  python -m pipeline.build --recipe m3w --input 'crawl/*.warc.gz' --output corpus
  python -m pipeline.build --recipe corpora --input site/ --output corpus --workers 4 \\
      --set clip.model=ViT-B-32 --set clip.pretrained=laion2b_s34b_b79k --set similarity.keep=0.3
  python -m pipeline.build --output corpus --set similarity.keep=0.2
  python -m pipeline.build --recipe m3w --input 'gs://crawl/*.warc.gz' --output gs://corpus/m3w \\
      --runner=Dataflow --project P --region R --temp_location gs://corpus/tmp \\
      --sdk_container_image IMAGE
  python -m pipeline.build --recipe m3w --input urls.txt --output corpus --retry timeout,connection
"""


_FINISHED = """
Without --recipe and --input a finished output is made over as it was asked for, with what --set
changes: from the scores that it keeps, nothing is fetched or embedded again. Any build over a
finished output says what enters and what leaves.

Any other flag goes to Beam and must be one of its options.
"""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong; --help has the rest."""

    def error(self, message: str) -> NoReturn:
        raise OptionsError(f"{message} (--help tells all)")


def parse_arguments(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our own arguments, and what is left for Beam.

    Raises:
        OptionsError: one is missing or has a value of the wrong kind.
    """
    parser = _Parser(
        prog="python -m pipeline.build",
        description="Web pages to interleaved, image-text and video-text WebDataset shards.",
        epilog=_EXAMPLE
        + _FINISHED
        + "\nAny other flag goes to Beam and must be one of its options.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--recipe", default="", help="name of a recipe, or a TOML file")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="PATTERN",
        help="WARC files, a list of them (warc.paths), Common Crawl's index rows (csv, parquet), "
        "a folder of HTML, or a list of URLs (txt, csv, parquet); repeatable",
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="local, gs:// or s3://")
    parser.add_argument(
        "--eval-index",
        action="append",
        default=[],
        metavar="FILE",
        help="evaluation data to keep out, from python -m dedup.build_index; repeatable",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="a value of the recipe, as section.key=value; repeatable",
    )
    parser.add_argument("--base-url", default="", help="the URL that an HTML folder stands for")
    parser.add_argument(
        "--retry",
        default=None,
        metavar="REASON[,REASON]",
        help="ask again for what an earlier run of this output failed to fetch for these reasons, "
        "as timeout,connection,http_status; everything else stays as it was fetched",
    )
    parser.add_argument("--offline", action="store_true", help="open no socket: fetch nothing")
    parser.add_argument("--workers", type=int, default=1, help="processes on this machine")
    parser.add_argument("--runner", default=DEFAULT_RUNNER, help="a Beam runner")
    return parser.parse_known_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Builds; 0 done, 1 the data or a check failed, 2 wrong usage."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Beam warns at import of a Google client that only its own Google IO needs.
    logging.getLogger().addFilter(lambda record: not str(record.msg).startswith("apitools not"))
    try:
        arguments, flags = parse_arguments(sys.argv[1:] if argv is None else argv)
    except OptionsError as error:
        _say(f"error: {error}")
        return 2
    from dedup.index import UnusableIndex
    from model.clip import ClipUnavailable
    from pipeline.checks import BuildFailed
    from pipeline.output import OutputClaimed
    from pipeline.stages.inputs import InputError
    from schemas.recipe import RecipeError

    try:
        return _build(arguments, flags)
    except (OptionsError, RecipeError, InputError, UnusableIndex, ClipUnavailable) as error:
        _say(f"error: {error}")
        return 2
    except (BuildFailed, OutputClaimed, OSError) as error:
        _say(f"failed: {error}")
        return 1


def _build(arguments: argparse.Namespace, flags: list[str]) -> int:
    """The whole build, from arguments to manifest."""
    if arguments.workers < 1:
        raise OptionsError(f"--workers must be at least 1, got {arguments.workers}")
    for name, values in (("--output", [arguments.output]), ("--input", arguments.input)):
        if not all(value.strip() for value in values):
            raise OptionsError(f"{name} is empty")
    options = beam_options(arguments.runner, arguments.workers, flags)
    from pipeline.checks import nothing_made
    from pipeline.corpora.retry import ask_again, parse_reasons
    from pipeline.output import claim_output, resolve_output
    from pipeline.remembered import recalled
    from pipeline.stages.run import Work, code_digest

    arguments = recalled(arguments)
    reasons = parse_reasons(arguments.retry) if arguments.retry is not None else ()
    request = _request(arguments)
    output = resolve_output(arguments.output)
    work = Work(f"{output}/work", code_digest(), options)
    if reasons:
        with claim_output(output):
            for line in ask_again(work.root, reasons, datetime.now(UTC)):
                _say(line)
    manifest = _up_to_date(arguments, request, work, output)
    if manifest is not None:
        _say(f"{arguments.output} is up to date: nothing to do")
    else:
        with claim_output(output):
            manifest = _make(arguments, request, work, output)
    for line in nothing_made(manifest, arguments.output):
        _say(line)
    _print_result(arguments.output, manifest)
    return 0


def _up_to_date(
    arguments: argparse.Namespace, request: "Request", work: "Work", output: str
) -> "Manifest | None":
    """The manifest of a build that is finished, published and whole; None of any other."""
    from pipeline.corpora.plan import plan
    from pipeline.corpora.publish import find_faults, is_current

    if any(work.peek(stage) is None for stage in plan(request, work)):
        return None
    manifest = _manifest(arguments, request, work)
    return manifest if is_current(output, manifest) and find_faults(output, work) == {} else None


def _make(
    arguments: argparse.Namespace, request: "Request", work: "Work", output: str
) -> "Manifest":
    """Runs what is not finished, and what was finished and has been damaged; publishes all."""
    from pipeline.corpora.publish import changes_made, find_faults, lost_stages, publish
    from pipeline.remembered import remember

    started = time.monotonic()
    _run_stages(request, work)
    faults = find_faults(output, work) or {}
    for path, fault in faults.items():
        _say(f"damaged: {arguments.output}/{path} {fault}; it is made anew")
    if lost := lost_stages(output, work, faults):
        for name in lost:
            work.forget(name)
        _run_stages(request, work)
    manifest = _manifest(arguments, request, work)
    for line in changes_made(output, work, manifest):
        sys.stdout.write(line + "\n")
    publish(output, work, manifest, request.indexes)
    remember(output, arguments)
    _say(f"done in {time.monotonic() - started:.0f} s")
    return manifest


def _run_stages(request: "Request", work: "Work") -> None:
    """Every stage, run if it is not finished; each is checked before the next begins."""
    from pipeline.checks import check_counts, check_pages, damage_of
    from pipeline.corpora.plan import plan

    for stage in plan(request, work):
        begun = time.monotonic()
        result, fresh = work.run(stage)
        _progress(result, fresh, time.monotonic() - begun)
        if result.name == "read":
            for line in damage_of(result, request.inputs, work):
                _say(line)
            check_pages(result, request.inputs)
        check_counts(result, request.recipe.errors, work)


def _request(arguments: argparse.Namespace) -> "Request":
    """What is asked for, read and checked."""
    from model.clip import clip_digest
    from pipeline.corpora.request import Request
    from pipeline.corpora.unsafe_media import scorer_digest
    from pipeline.output import absolute
    from pipeline.recipe import read_recipe
    from pipeline.stages.beam_files import FILES
    from pipeline.stages.copies import load_held
    from pipeline.stages.evaluation_texts import load_texts
    from pipeline.stages.inputs import InputError, resolve_inputs
    from schemas.keys import sha256_hex

    overrides = list(arguments.overrides)
    if arguments.base_url:
        overrides.append(f"base_url={arguments.base_url}")
    if arguments.offline:
        overrides.append("fetch.offline=true")
    recipe = read_recipe(arguments.recipe, overrides)
    inputs = tuple(resolve_inputs(arguments.input, recipe.read.warc_base, recipe.fetch.offline))
    indexes = tuple(absolute(path) for path in arguments.eval_index)
    digests, with_texts = [], []
    for path in indexes:
        try:
            load_held(path)
            digests.append(sha256_hex(FILES.read(path)))
            with_texts += [path] if load_texts((path,)) else []
        except FileNotFoundError:
            raise InputError(f"--eval-index {path}: no such file") from None
        except OSError as error:
            why = error.strerror or error
            raise InputError(f"--eval-index {path}: cannot be read: {why}") from None
    digests += [clip_digest(choice.model, choice.pretrained) for choice in recipe.scorers]
    scorer = scorer_digest(recipe.unsafe)
    return Request(recipe, inputs, indexes, tuple(digests), tuple(with_texts), scorer)


def _manifest(arguments: argparse.Namespace, request: "Request", work: "Work") -> "Manifest":
    """The manifest of the build that the work folder holds."""
    from pipeline.corpora.publish import make_manifest

    return make_manifest(arguments.recipe, list(arguments.overrides), request, work)


def _progress(result: "StageResult", fresh: bool, seconds: float) -> None:
    """One line a stage."""
    how = f"{seconds:4.1f} s" if fresh else " kept "
    parts = [f"{count.kept} of {count.read} {count.kind}s" for count in result.counts] or [
        f"{sum(result.rows.values())} rows"
    ]
    _say(f"{result.name:<14} {how}  {'; '.join(parts)}")


def _print_result(output: str, manifest: "Manifest") -> None:
    """The funnel and the corpora, on stdout."""
    from pipeline.checks import largest

    lines = ["", f"{'stage':<18}{'kind':<10}{'read':>8}{'kept':>8}  rejected by reason"]
    for count in manifest.stages:
        reasons = [f"{reason} {number}" for reason, number in largest(count.rejected)]
        reasons += [f"replaced {what} {number}" for what, number in largest(count.replaced)]
        line = f"{count.name:<18}{count.kind:<10}{count.read:>8}{count.kept:>8}"
        lines.append(f"{line}  {', '.join(reasons)}")
    lines.append("")
    for corpus in manifest.recipe["corpora"]:
        shards = [shard for shard in manifest.shards if shard.corpus == corpus]
        samples, size = sum(s.samples for s in shards), sum(s.bytes for s in shards)
        lines.append(
            f"{corpus:<8}{samples:>8} samples{len(shards):>6} shards{size / 1e6:>10.1f} MB"
            f"  {output}/{corpus}"
        )
    sys.stdout.write("\n".join(lines) + "\n")


def _say(line: str) -> None:
    """A line of progress, on stderr."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
