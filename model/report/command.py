"""The command that draws the page of a run: python -m model.report RUN."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 the folder holds no run or cannot be written, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m model.report",
        description="Write RUN/report.html: one page without network, of what a run of model.train "
        "has logged so far. model.train writes it at its end by itself.",
        epilog="example: python -m model.report RUN",
        allow_abbrev=False,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run of model.train")
    run: Path = parser.parse_args(argv).run
    from model.report.history import HistoryError, read_history
    from model.report.page import REPORT, write_report

    try:
        write_report(run, read_history(run))
    except HistoryError as error:
        sys.stderr.write(f"model.report: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"model.report: {error.filename or run}: {error.strerror}\n")
        return 1
    sys.stdout.write(f"{run / REPORT}\n")
    return 0
