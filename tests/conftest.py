"""What many tests share: where the real inputs lie."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("M3W_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def _folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"real inputs not found at {folder} (set M3W_SHARED)")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real inputs: pages, WARC files, photos, videos."""
    return _folder("data")


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    """The folder of small real weights."""
    return _folder("weights")
