"""How many of a corpus's images plain HF datasets leave out: those beyond the first samples' names.

    python tests/benchmarks/plain_datasets.py OUT [OUT ...]

Each OUT is a finished build with M3W in it. Read are its shards by `load_dataset("webdataset", ...)`,
without its card, as somebody would who knows nothing of it.
"""

import sys
from pathlib import Path

import datasets

from schemas.tar import read_tar


def images_in(output: Path) -> int:
    """Images of all shards."""
    count = 0
    for path in sorted((output / "m3w").glob("*.tar")):
        with path.open("rb") as stream:
            count += sum(member.name.endswith(".jpg") for member in read_tar(stream))
    return count


def images_read(output: Path) -> tuple[int, int]:
    """Rows and images that a plain load gives."""
    rows = datasets.load_dataset(
        "webdataset", data_files=f"{output}/m3w/*.tar", split="train", streaming=True
    ).decode(False)
    found = [sum(name.endswith("jpg") and bool(row[name]) for name in row) for row in rows]
    return len(found), sum(found)


def main() -> None:
    """Prints a row a build."""
    print("| build | sequences | images | left out |\n|---|---|---|---|")
    for name in sys.argv[1:]:
        output = Path(name)
        rows, read = images_read(output)
        total = images_in(output)
        print(f"| {output.name} | {rows} | {total} | {total - read} |")


if __name__ == "__main__":
    main()
