"""How alike two pictures are once one is laid over the other where a hash says that it belongs.

The hashes of an original's views stand on a grid; a copy was cropped wherever its maker liked. The
second look moves the view about and scales it a little, in two rounds of ever smaller steps, and
takes the best cosine of the two spectra. Measured on 3,000 made-up scenes: without moving, copies
cropped anywhere reach .88 and strangers .90; with it, copies .97 and strangers .91.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from dedup.fingerprint import Grey, Spectra, cosines, orthogonal, spectrum_of, view_place

WORTH_MOVING = 0.6
"""Below this cosine no moving makes a copy of a stranger: none of the copies measured began so."""

_ROUNDS = ((0.0125, 0.02), (0.006, 0.01))  # steps of place and scale: half the grid's, a quarter


def view_cosine(grey: Grey, view: int, spectrum: Spectra) -> float:
    """The cosine of a spectrum with that of a thumbnail's view, as the view stands on the grid."""
    return _cosine(grey.astype(np.float64), view_place(view), spectrum)


def best_cosine(grey: Grey, view: int, spectrum: Spectra) -> float:
    """The best cosine of a spectrum with that of crops of a thumbnail near the given view."""
    pixels = grey.astype(np.float64)
    place = view_place(view)
    best = _cosine(pixels, place, spectrum)
    for step, scaling in _ROUNDS:
        centre = place
        for scale, across, down in product((-1, 0, 1), repeat=3):
            moved = _moved(centre, scale * scaling, across * step, down * step)
            cosine = _cosine(pixels, moved, spectrum)
            if cosine > best:
                best, place = cosine, moved
    return best


def _moved(
    place: tuple[float, float, float], scaling: float, across: float, down: float
) -> tuple[float, float, float]:
    """The crop scaled about its middle and moved, kept inside the picture."""
    share, left, top = place
    scaled = min(1.0, share + scaling)
    grown = (scaled - share) / 2
    inside = 1.0 - scaled
    return (
        scaled,
        min(max(0.0, left + across - grown), inside),
        min(max(0.0, top + down - grown), inside),
    )


def _cosine(
    pixels: NDArray[np.float64], place: tuple[float, float, float], spectrum: Spectra
) -> float:
    share, left, top = place
    height, width = pixels.shape
    rows = orthogonal(cosines(height, top * height, share * height))
    columns = orthogonal(cosines(width, left * width, share * width))
    return float(spectrum_of(rows @ pixels @ columns.T) @ spectrum)
