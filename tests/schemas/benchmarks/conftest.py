"""Folders in publishers' layouts, made by code."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from schemas.benchmarks.folder import Folder
from schemas.benchmarks.items import Example, Lost
from schemas.benchmarks.layouts import find_layout


def jpeg(number: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), (number * 40 % 256, 90, 10)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def lay(tmp_path: Path) -> Callable[..., Path]:
    """Writes files: bytes and texts as they are, trees as JSON, None as an image or a stand-in."""

    def write(files: dict[str, object]) -> Path:
        for number, (name, content) in enumerate(files.items()):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.write_bytes(jpeg(number))
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content))
        return tmp_path

    return write


@pytest.fixture
def read(lay: Callable[..., Path]) -> Callable[..., tuple[list[Example], list[Lost]]]:
    """What is read of some files as a benchmark, examples and lost ones apart."""

    def read_files(
        benchmark: str, files: dict[str, object], layout: str = ""
    ) -> tuple[list[Example], list[Lost]]:
        folder = Folder(lay(files))
        found = list(find_layout(benchmark, folder, layout).examples(folder))
        return (
            [one for one in found if isinstance(one, Example)],
            [one for one in found if isinstance(one, Lost)],
        )

    return read_files
