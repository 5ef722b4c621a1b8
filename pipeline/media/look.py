"""How a picture looks: out of focus, or nothing but text. Both rules are off by default.

Neither is the paper's: Flamingo drops what is small, long or of one colour, and no more
(arXiv 2204.14198, appendix A.3.1). Both are measured on a small grey copy, so that a limit means
the same whatever size a picture has.
"""

from typing import TYPE_CHECKING

from pipeline.media.image import ImageLimits, resize_image
from schemas.rejection import Reason, Why

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image as PilImage

    Grey = npt.NDArray[np.float32]
    Boxes = npt.NDArray[np.int64]

_SHARP_SIDE_PX = 256
_TEXT_SIDE_PX = 512
_NEAR_GROUND = 24  # of 255: noise of JPEG, shades of paper
_INK = 64  # of 255: fainter is the soft edge of a letter
_LEAST_GROUND = 0.55  # share of the picture; bold type leaves six tenths of its lines blank
_MOST_GROUND_STD = 6.0  # of 255: 3.4 at most under rendered text, 8.6 at least in skies of photos
_LEAST_ROW = 4  # letters that make a row: two or three things beside each other are no text
_MOST_PIECES = 4_000  # a page of the smallest type; more are grain, and would take long to compare
_LETTER_PX = (3, 128)  # height of what can be read on the small copy
_LEAST_FILL = 0.2  # of a letter's box: type has half, line drawings of that size a fifth


def judge_sharpness(image: "PilImage", limits: ImageLimits) -> Why | None:
    """Why a picture is out: it is blurred."""
    if not limits.min_sharpness:
        return None
    measured = sharpness_of(image)
    if measured >= limits.min_sharpness:
        return None
    return Why(Reason.BLURRED, round(measured, 2), limits.min_sharpness)


def judge_text_only(image: "PilImage", limits: ImageLimits) -> Why | None:
    """Why a picture is out: it shows text and nothing else."""
    if limits.max_text_share >= 1:
        return None
    measured = text_share(image)
    if measured <= limits.max_text_share:
        return None
    return Why(Reason.TEXT_ONLY, round(measured, 3), limits.max_text_share)


def sharpness_of(image: "PilImage") -> float:
    """The variance of the picture's Laplacian, in squares of 1/255; a flat one has 0.

    The measure of focus LAPV of Pech-Pacheco et al., "Diatom autofocusing in brightfield
    microscopy" (ICPR 2000), on a grey copy of at most 256 px.
    """
    import numpy as np

    grey = np.asarray(resize_image(image, _SHARP_SIDE_PX).convert("L"), np.float32)
    if min(grey.shape) < 3:
        return 0.0
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * grey[1:-1, 1:-1]).var())


def text_share(image: "PilImage") -> float:
    """The share of a picture's ink that is in rows of letters, 0 to 1; 0 without an even ground.

    Ink is what differs from the commonest grey; letters are connected pieces of it of a size to be
    read, at least four beside each other and about as high. No letter is recognised, so that any
    script is text, and so is a row of small things of one size.
    """
    import numpy as np

    grey = np.asarray(resize_image(image, _TEXT_SIDE_PX).convert("L"), np.float32)
    counts = np.bincount(grey.astype(np.int64).ravel(), minlength=256)
    ground = int(np.convolve(counts, np.ones(9), "same").argmax())
    apart = np.abs(grey - ground)
    blank = apart <= _NEAR_GROUND
    if blank.mean() < _LEAST_GROUND or grey[blank].std() > _MOST_GROUND_STD:
        return 0.0
    boxes, areas = _pieces(apart > _INK)
    if not 0 < len(boxes) <= _MOST_PIECES:
        return 0.0
    return float(areas[_in_rows(boxes, areas)].sum() / areas.sum())


def _pieces(ink: "npt.NDArray[np.bool_]") -> "tuple[Boxes, Boxes]":
    """The connected pieces: top, left, bottom, right [pieces, 4], and their areas [pieces]."""
    import numpy as np
    from scipy import ndimage

    labels, count = ndimage.label(ink, structure=np.ones((3, 3), np.int8))
    slices = ndimage.find_objects(labels)
    boxes = [(one[0].start, one[1].start, one[0].stop, one[1].stop) for one in slices]
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return np.array(boxes, np.int64).reshape(-1, 4), areas


def _in_rows(boxes: "Boxes", areas: "Boxes") -> "npt.NDArray[np.bool_]":
    """Which pieces stand in a row of letters, or are marks of a letter that does, [pieces]."""
    import numpy as np

    top, left, bottom, right = boxes.T
    height, width = bottom - top, right - left
    low, high = _LETTER_PX
    may_be = (height >= low) & (height <= high) & (width <= 12 * height)
    may_be &= areas >= _LEAST_FILL * height * width
    found = np.zeros(len(boxes), bool)
    for one in np.flatnonzero(may_be):
        tall = height[one]
        alike = may_be & (height * 2 >= tall) & (height <= 2 * tall)
        level = np.abs(bottom + top - bottom[one] - top[one]) <= tall
        close = (left <= right[one] + 3 * tall) & (right >= left[one] - 3 * tall)
        row = alike & level & close
        if row.sum() >= _LEAST_ROW:
            found |= row
    for one in np.flatnonzero(found):  # dots, accents, commas
        tall = height[one]
        over = (bottom >= top[one] - tall) & (top <= bottom[one] + tall // 2)
        beside = (left >= left[one] - tall) & (right <= right[one] + tall)
        found |= over & beside & (2 * height <= tall)
    return found
