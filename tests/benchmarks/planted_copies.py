"""Of the evaluation copies planted in a made-up web, how many a build takes out, by transform.

    python tests/benchmarks/planted_copies.py [--pages 400] [--seed 1] [--descriptor NAME]

The made-up web says which of its images and videos are copies and how each was changed. Everything
that the build rejects as an evaluation copy and that is none is a false drop.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

HOME = Path(__file__).resolve().parents[2]


def build_in(folder: Path, pages: int, seed: int, descriptor: str) -> Path:
    from dedup.build_index import main as build_index
    from pipeline.build import main as build
    from pipeline.sample_web.__main__ import main as sample_web

    web, index, output = folder / "web", folder / "e.index", folder / "out"
    sample_web(["--output", str(web), "--pages", str(pages), "--seed", str(seed)])
    images = f"made-up={web}/evaluation/images"
    build_index(["--set", images, "--descriptor", descriptor, "--output", str(index)])
    given = ["--input", f"{web}/web.warc.gz", "--offline", "--eval-index", str(index)]
    code = build(["--recipe", "tiny", *given, "--output", str(output)])
    if code:
        raise SystemExit(f"the build ended with {code}")
    return output


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--descriptor", default="none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        output = build_in(folder, options.pages, options.seed, options.descriptor)
        pages = [json.loads(line) for line in (folder / "web/truth.jsonl").read_text().splitlines()]
        tables = [pq.read_table(path).to_pylist() for path in (output / "decisions").iterdir()]
    rows = [row for table in tables for row in table if row["stage"] == "copies"]
    dropped = {row["key"]: row["eval_id"] for row in rows if not row["kept"]}
    planted = {}
    for page in pages:
        for media in (*page["images"], *page.get("videos", ())):
            if media.get("copy_of"):
                planted[media["sha256"]] = (media["transform"], media["copy_of"])
    seen = {row["key"] for row in rows}
    found, total = Counter(), Counter()
    for key, (transform, original) in planted.items():
        if key in seen:
            total[transform] += 1
            found[transform] += key in dropped and original in dropped[key]
    for transform in sorted(total):
        print(f"{transform:24}{found[transform]:>5} of {total[transform]}")
    false = [key for key in dropped if key not in planted]
    print(f"{'all':24}{found.total():>5} of {total.total()}")
    print(f"false drops: {len(false)} of {len(seen) - total.total()} others")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(HOME))
    sys.exit(main())
