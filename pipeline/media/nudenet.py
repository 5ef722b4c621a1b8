"""NudeNet as a scorer of unsafe images: the surest exposed part of a body that it finds.

The package says MIT in its metadata, but the licence file that its wheel brings along is AGPL-3.0,
for code and model alike. So it is an extra that nothing here depends on
(`pip install 'open-m3w[nudenet]'`), and who builds with it decides what that means for them. The
detector, a YOLOv8n of 12 MB, lies in the wheel: nothing is downloaded.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

EXPOSED = frozenset(
    {
        "ANUS_EXPOSED",
        "BUTTOCKS_EXPOSED",
        "FEMALE_BREAST_EXPOSED",
        "FEMALE_GENITALIA_EXPOSED",
        "MALE_GENITALIA_EXPOSED",
    }
)
"""The classes that count; the others are faces, feet, bellies, and what is covered."""


class NudeNetScorer:
    """Scores by NudeNet 3.4's detector: 0 where it finds nothing, else at least 0.25."""

    def __init__(self, detector: Any) -> None:  # noqa: ANN401 - nudenet has no types
        """Takes a `nudenet.NudeDetector`."""
        self._detector = detector

    def score_images(self, images: "Sequence[PilImage]") -> list[float]:
        """The score of the surest detection of a class in EXPOSED, for each image."""
        import numpy as np

        scores = []
        for image in images:
            # OpenCV's order of channels; one image at a time, so that its company says nothing.
            pixels = np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])
            found = self._detector.detect(pixels)
            exposed = [float(one["score"]) for one in found if one["class"] in EXPOSED]
            scores.append(min(1.0, round(max(exposed, default=0.0), 6)))
        return scores


def make() -> NudeNetScorer:
    """The scorer with the model of the wheel.

    Raises:
        ImportError: the extra is not installed; the message says how to get it.
    """
    try:
        from nudenet import NudeDetector
    except ImportError as error:
        raise ImportError(f"pip install 'open-m3w[nudenet]' ({error})") from None
    return NudeNetScorer(NudeDetector())
