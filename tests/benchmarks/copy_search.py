"""Search for copies: rows beside faiss, hashes beside a linear scan.

    python tests/benchmarks/copy_search.py [--rows 100000] [--dim 512] [--groups 2000]
                                           [--codes 1000000]

Rows: the nearest of all for each query, beside faiss IndexFlatIP with k = 1 in a virtual
environment of its own; one thread each, so that CPU seconds compare. Goal: 1.3 times as many, or 80
% of what this machine's matrix product gives; recall 1.000. By cells, which look at some of the
rows only, the recall is what is measured; rows that lie anywhere are the worst case. Hashes: all codes within 8 bits beside
a numpy scan. Goal: 20 times as many.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peers import CACHE, install_peer

HOME = Path(__file__).resolve().parents[2]
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
QUERIES = 1024

FAISS_CODE = """
import json, sys, time
import faiss, numpy as np
faiss.omp_set_num_threads(1)
rows, queries = np.load(sys.argv[1]), np.load(sys.argv[2])
index = faiss.IndexFlatIP(rows.shape[1])
index.add(rows)
index.search(queries[:8], 1)
seconds = []
for _ in range(3):
    start = time.process_time()
    _, found = index.search(queries, 1)
    seconds.append(time.process_time() - start)
seconds = sorted(seconds)[1] / len(queries)
print(json.dumps({"faiss IndexFlatIP": {"seconds": seconds, "found": found[:, 0].tolist()}}))
"""
OUR_CODE = """
import json, sys, time
import numpy as np
import torch
from dedup.cells import CellRows
from dedup.nearest import nearest_rows
from dedup.screened import ScreenedRows
torch.set_num_threads(1)
rows, queries = np.load(sys.argv[1]), np.load(sys.argv[2])

def product(queries, number):
    for first in range(0, len(rows), 8192):
        queries @ rows[first : first + 8192].T
    return np.zeros((len(queries), 1), dtype=int), None

def timed(search, queries, at_once):
    search(queries[:8], 1)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        parts = [
            search(queries[first : first + at_once], 1)[0][:, 0]
            for first in range(0, len(queries), at_once)
        ]
        seconds.append(time.process_time() - start)
    found = np.concatenate(parts).tolist()
    return {"seconds": sorted(seconds)[1] / len(queries), "found": found}

plain = lambda queries, number: nearest_rows(queries, rows, number)
told = {
    "product": timed(product, queries, len(queries)),
    "plain": timed(plain, queries, len(queries)),
    "screened": timed(ScreenedRows(rows).nearest, queries, len(queries)),
    "plain, one at a time": timed(plain, queries[:64], 1),
    "cells, one at a time": timed(CellRows(rows).nearest, queries, 1),
}
print(json.dumps(told))
"""


def compare_rows(number: int, dim: int, groups: int) -> None:
    """Queries with a cosine of .66 to their row; the rows lie anywhere, or in so many groups."""
    import numpy as np

    python = install_peer(CACHE / "faiss", "faiss-cpu==1.*", "numpy")
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((number, dim)).astype(np.float32)
    if groups:
        centres = rng.standard_normal((groups, dim)).astype(np.float32) / dim**0.5
        rows = rows * 0.05 + centres[rng.integers(0, groups, number)]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    planted = rng.choice(number, QUERIES, replace=False)
    queries = rows[planted] + rng.standard_normal((QUERIES, dim)).astype(np.float32) * 0.05
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/rows.npy", f"{folder}/queries.npy"]
        for path, values in zip(paths, (rows, queries), strict=True):
            np.save(path, values)
        theirs, ours = (
            json.loads(
                subprocess.run(
                    [program, "-c", code, *paths],
                    capture_output=True,
                    text=True,
                    check=True,
                    cwd=HOME,
                    env=os.environ | THREADS | {"PYTHONPATH": str(HOME)},
                ).stdout
            )
            for program, code in ((python, FAISS_CODE), (sys.executable, OUR_CODE))
        )
    told = theirs | ours
    flat = told["faiss IndexFlatIP"]
    print(f"{QUERIES} queries of {number} rows of {dim} in {groups or 'no'} groups; one thread:")
    for name, one in told.items():
        same = np.mean(np.array(one["found"]) == np.array(flat["found"])[: len(one["found"])])
        print(
            f"  {name:22}{1 / one['seconds']:8.0f} queries a CPU second, "
            f"{flat['seconds'] / one['seconds']:.2f} of faiss"
            + ("" if name == "product" else f", the same row in {same:.4f} of all")
        )


def compare_codes(number: int) -> None:
    import numpy as np

    from dedup.search import CodeSearch

    rng = np.random.default_rng(1)
    codes = rng.integers(0, 2**64, number, dtype=np.uint64)
    flips = np.uint64(1) << rng.integers(0, 64, (3, 512), dtype=np.uint64)
    queries = codes[:512] ^ flips[0] ^ flips[1] ^ flips[2]
    search = CodeSearch(codes)
    for radius in (3, 8):
        search.within(queries[:2], radius)
        start = time.process_time()
        found = search.within(queries, radius)
        ours = (time.process_time() - start) / len(queries)
        start = time.process_time()
        scanned = sum(
            int((np.bitwise_count(codes ^ query) <= radius).sum()) for query in queries[:32]
        )
        scan = (time.process_time() - start) / 32
        same = scanned == int((found.queries < 32).sum())
        print(f"{number} codes, within {radius} bits, queries a CPU second:")
        print(
            f"  numpy scan {1 / scan:.0f}, ours {1 / ours:.0f}, ratio {scan / ours:.0f}, ", end=""
        )
        print("the same hits" if same else "OTHER HITS")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--groups", type=int, default=2000)
    parser.add_argument("--codes", type=int, default=1_000_000)
    options = parser.parse_args()
    for groups in (0, options.groups):
        compare_rows(options.rows, options.dim, groups)
    compare_codes(options.codes)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(HOME))
    sys.exit(main())
