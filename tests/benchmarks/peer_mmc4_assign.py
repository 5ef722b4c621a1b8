"""Runs in a venv with lapjv: MMC4's own assignment of some matrices, its answers into a file.

    python peer_mmc4_assign.py SCRIPTS IN.npz OUT.json

Called by scoring.py. SCRIPTS is the folder `scripts` of MMC4's repository, of which nothing is
changed; IN holds the matrices [images, sentences]; OUT gets the CPU seconds of all, and the sum of
each one's cosines.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np


def main(scripts, given, answers):
    """Assigns every matrix twice; the second time is timed."""
    sys.path.insert(0, scripts)
    from compute_assignments import get_image_assignments

    with np.load(given) as archive:
        matrices = [archive[name] for name in archive.files]
    for _ in range(2):
        started = time.process_time()
        found = [get_image_assignments(matrix) for matrix in matrices]
        seconds = time.process_time() - started
    sums = [
        float(sum(matrix[image, sentence] for image, sentence in enumerate(places)))
        for matrix, places in zip(matrices, found, strict=True)
    ]
    Path(answers).write_text(json.dumps({"seconds": seconds, "sums": sums}))


if __name__ == "__main__":
    main(*sys.argv[1:])
