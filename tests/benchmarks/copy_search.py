"""Search for copies: rows beside faiss, hashes beside a linear scan.

    python tests/benchmarks/copy_search.py [--rows 100000] [--dim 512] [--codes 1000000]

Rows: the nearest of all for each query, beside faiss IndexFlatIP with k = 1 in a virtual
environment of its own; one thread each, so that CPU seconds compare. Goal: 1.3 times as many, or 80
% of what this machine's matrix product gives; recall 1.000. Hashes: all codes within 8 bits beside
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
print(json.dumps({"seconds": sorted(seconds)[1], "found": found[:, 0].tolist()}))
"""
OUR_CODE = """
import json, sys, time
import numpy as np
from dedup.nearest import nearest_rows
rows, queries = np.load(sys.argv[1]), np.load(sys.argv[2])
nearest_rows(queries[:8], rows, 1)
seconds, product = [], []
for _ in range(3):
    start = time.process_time()
    found, _ = nearest_rows(queries, rows, 1)
    seconds.append(time.process_time() - start)
    start = time.process_time()
    for first in range(0, len(rows), 8192):
        queries @ rows[first : first + 8192].T
    product.append(time.process_time() - start)
seconds, product = sorted(seconds)[1], sorted(product)[1]
print(json.dumps({"seconds": seconds, "product": product, "found": found[:, 0].tolist()}))
"""


def compare_rows(number: int, dim: int) -> None:
    import numpy as np

    python = install_peer(CACHE / "faiss", "faiss-cpu==1.*", "numpy")
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((number, dim)).astype(np.float32)
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
    same = np.mean(np.array(theirs["found"]) == np.array(ours["found"]))
    print(f"{QUERIES} queries of {number} rows of {dim}, queries a CPU second on one thread:")
    print(f"  faiss IndexFlatIP {QUERIES / theirs['seconds']:8.0f}")
    print(f"  ours              {QUERIES / ours['seconds']:8.0f}")
    print(f"  ratio {theirs['seconds'] / ours['seconds']:.2f}, ", end="")
    print(f"{ours['product'] / ours['seconds']:.0%} of the plain matrix product, ", end="")
    print(f"the same row in {same:.4f} of all")


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
    parser.add_argument("--codes", type=int, default=1_000_000)
    options = parser.parse_args()
    compare_rows(options.rows, options.dim)
    compare_codes(options.codes)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(HOME))
    sys.exit(main())
