import errno
import json
from pathlib import Path

import pytest

from model.checkpoint import CheckpointError
from model.run_log import RunLog


def steps_of(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]


def write(folder: Path, after: int, steps: range) -> None:
    log = RunLog(folder, after)
    for step in steps:
        log.write({"step": step})
    log.close()


def test_a_resumed_log_has_each_step_once(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "run"
    write(folder, 0, range(1, 6))
    write(folder, 3, range(4, 8))
    assert steps_of(folder) == [1, 2, 3, 4, 5, 6, 7]
    write(folder, 0, range(1, 2))
    assert steps_of(folder) == [1]
    assert [path.name for path in folder.iterdir()] == ["log.jsonl"]


def test_damaged_lines_and_half_a_line_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(
        b'{"step": 1}\n\xff\x00\n[]\n{"step": null}\n{"stop": 2}\n{"step": 2}\n{"step": 3}'
    )
    write(tmp_path, 9, range(4, 5))
    assert steps_of(tmp_path) == [1, 2, 4]


class Filling:
    """A disk that takes some bytes more."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.content = b""

    def write(self, content: bytes) -> int:
        if not self.left:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = min(self.left, 5)
        self.left -= taken
        self.content += content[:taken]
        return taken

    def close(self) -> None:
        self.left = 0


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    log, disk = RunLog(tmp_path, 0), Filling(20)
    log.close()
    log._stream = disk
    log.write({"step": 1})
    assert disk.content == b'{"step": 1}\n'
    with pytest.raises(CheckpointError, match=r"log\.jsonl: cannot be written: No space"):
        log.write({"step": 2})
