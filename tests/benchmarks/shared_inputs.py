"""Where the real inputs lie that benchmarks share: M3W_SHARED, or `shared` beside the checkout."""

import argparse
import os
from pathlib import Path

SHARED = Path(os.environ.get("M3W_SHARED") or Path(__file__).resolve().parents[3] / "shared")


def parser_with_shared(told: str | None) -> argparse.ArgumentParser:
    """A parser that shows a script's docstring as it stands, with --shared for another folder."""
    parser = argparse.ArgumentParser(
        description=told, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=SHARED)
    return parser
