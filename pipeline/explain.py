"""What becomes of a page, and why.

  python -m pipeline.explain PAGE.html --url https://example.org/page
  python -m pipeline.explain PAGE.html OTHER.html --recipe obelics --set language.language=de
  python -m pipeline.explain --pages PAGES.jsonl > BLOCKS.jsonl
  python -m pipeline.explain --output OUT --find https://example.org/page

The first two forms show pages piece by piece, what the build keeps of each as which block and what
it cuts and why (in red on a terminal), and the verdict of the recipe's text filters; the third
gives many as JSON, one {"path", "url"} a line in, with "content_type" if there was such a header,
and one object a line out (--text: as the first form); the fourth tells from a finished build's
decisions what became of a URL, and which documents fell to it as copies.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.page_account import PageReader
from pipeline.page_lines import decision_line, lines_of
from pipeline.verdict import read_rules
from schemas.manifest import decode_manifest
from schemas.recipe import RecipeError

_LOG = logging.getLogger(__name__)
_COLUMNS = (
    "stage",
    "kind",
    "key",
    "url",
    "kept",
    "reason",
    "value",
    "limit",
    "detail",
    "eval_set",
    "eval_id",
    "copy_of",
    "copy_of_url",
)
_KEYS = ("path", "url", "content_type")
"""Of a line of --pages."""


def main(argv: list[str] | None = None) -> int:
    """0 when done, 1 when an input cannot be read or a URL is not found, 2 on wrong usage."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    parser = _parser()
    options = parser.parse_args(argv)
    _check_usage(parser, options)
    try:
        if options.find:
            return _tell_story(options.output, options.find, as_json=options.json)
        return _explain(options)
    except BrokenPipeError:
        # Whoever read this has seen enough; what is left in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except RecipeError as error:
        _LOG.error("%s", error)
        return 2
    except OSError as error:
        _LOG.error("%s: %s", error.filename or "error", error.strerror or error)
    except ValueError as error:
        _LOG.error("%s", error)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.explain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("page", nargs="*", help="HTML files")
    add("--pages", metavar="PAGES.jsonl", help="a list of pages, - for stdin")
    add("--find", metavar="URL", help="a URL that a finished build has seen")
    add("--url", default="", help="the page's URL (its file:// URL unless given)")
    add("--content-type", default="", help="the page's HTTP header, which may name its encoding")
    add("--recipe", default="", help="whose limits hold: a name or a path.toml (m3w unless given)")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="a value of the recipe, as section.key=value; repeatable",
    )
    add("--output", metavar="DIR", help="the finished build")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line")
    form.add_argument("--text", action="store_true", help="piece by piece; --pages too")
    return parser


def _check_usage(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends the program where arguments do not go together."""
    if sum(map(bool, (options.page, options.pages, options.find))) != 1:
        parser.error("one of PAGE.html ..., --pages and --find is needed")
    if bool(options.find) != bool(options.output):
        parser.error("--find and --output go together")
    if len(options.page) != 1 and (options.url or options.content_type):
        parser.error("--url and --content-type are of one PAGE.html; --pages has them in its lines")
    if options.find and (options.recipe or options.overrides):
        parser.error("--recipe and --set say nothing of a finished build")


def _explain(options: argparse.Namespace) -> int:
    rules = read_rules(options.recipe, options.overrides)
    with PageReader(rules) as reader:
        if options.pages:
            return _explain_pages(reader, options.pages, as_text=options.text)
        code = 0
        for number, path in enumerate(options.page):
            if number and not options.json:
                _write("")
            try:
                page = path, options.url, options.content_type
                _print_page(reader, page, as_json=options.json)
            except BrokenPipeError:
                raise
            except OSError as error:
                _LOG.error("%s: %s", error.filename or path, error.strerror or error)
                code = 1
    return code


def _print_page(reader: PageReader, page: tuple[str, str, str], *, as_json: bool) -> None:
    row, pieces = reader.account_for(*page)
    if as_json:
        row["cut"] = [{"what": p.what, "why": p.why} for p in pieces if p.why]
        _write(json.dumps(row, ensure_ascii=False))
        return
    for line in lines_of(row, pieces, colour=sys.stdout.isatty()):
        _write(line)


def _explain_pages(reader: PageReader, path: str, *, as_text: bool) -> int:
    if path == "-":
        return _print_pages(reader, sys.stdin.buffer, "stdin", as_text=as_text)
    with Path(path).open("rb") as lines:
        return _print_pages(reader, lines, path, as_text=as_text)


def _print_pages(reader: PageReader, lines: Iterable[bytes], name: str, *, as_text: bool) -> int:
    """1 where any line could not be explained: each is told, and the others go on."""
    failed = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            page = _page_of(line)
            if as_text:
                _print_page(reader, page, as_json=False)
                _write("")
            else:
                _write(json.dumps(reader.account_for(*page)[0], ensure_ascii=False))
        except BrokenPipeError:
            raise
        except OSError as error:
            _LOG.error("%s:%d: %s: %s", name, number, error.filename, error.strerror or error)
            failed = 1
        except ValueError as error:
            _LOG.error("%s:%d: %s", name, number, error)
            failed = 1
    return failed


def _page_of(line: bytes) -> tuple[str, str, str]:
    """The path, URL and Content-Type that a line names.

    Raises:
        ValueError: it names none.
    """
    wrong = 'not a {"path", "url"} object'
    try:
        page = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{wrong}: {str(error) or 'too deep'}") from None
    values = [page.get(key) or "" for key in _KEYS] if isinstance(page, dict) else [""]
    if not values[0] or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{wrong}: {ascii(page)[:80]}")
    path, url, content_type = values
    return path, url, content_type


def _tell_story(output: str, url: str, *, as_json: bool) -> int:
    story = find_decisions(output, url)
    if not story:
        _LOG.error("%s: no decision names %s", output, url)
        return 1
    for row in story:
        _write(json.dumps(row, ensure_ascii=False) if as_json else decision_line(row, url))
    return 0


def find_decisions(output: str, url: str) -> list[dict[str, Any]]:
    """Every decision of a build that names the URL, in the order of the build's stages.

    Decisions on other documents that fell to it as its copies are among them.

    Raises:
        ValueError: the build has no decisions, or a file of them cannot be read.
    """
    import pyarrow.dataset
    from pyarrow.lib import ArrowInvalid

    files = sorted(str(path) for path in Path(output, "decisions").glob("*.parquet"))
    if not files:
        raise ValueError(f"{output}/decisions: no decisions here; is the build finished?")
    try:
        data = pyarrow.dataset.dataset(files, format="parquet")
        names = [name for name in _COLUMNS if name in data.schema.names]
        named = pyarrow.dataset.field("url") == url
        if "copy_of_url" in names:
            named = named | (pyarrow.dataset.field("copy_of_url") == url)
        table = data.to_table(columns=names, filter=named)
    except ArrowInvalid as error:
        raise ValueError(f"{output}/decisions: {error}") from error
    rows: list[dict[str, Any]] = table.to_pylist()
    order = _stage_order(output)
    return sorted(rows, key=lambda row: order.get(row["stage"], len(order)))


def _stage_order(output: str) -> dict[str, int]:
    """The place of each stage in the build, by its manifest; nothing where there is none."""
    try:
        content = Path(output, "manifest.json").read_bytes()
        names = [stage.name for stage in decode_manifest(content).stages]
    except (FileNotFoundError, ValueError):
        return {}
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
