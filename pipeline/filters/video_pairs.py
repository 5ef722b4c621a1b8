"""VTP's rule on the text that describes a short video."""

from dataclasses import dataclass

from schemas.recipe import bounded
from schemas.rejection import Reason, Why


@dataclass(frozen=True, slots=True)
class VtpLimits:
    """Flamingo, arXiv 2204.14198, A.3.3: short videos with sentence descriptions.

    The paper gives no threshold; a sentence has at least a subject, a verb and a place to be.

    Attributes:
        min_words: fewest words of a description.
        max_words: most words of a description.
    """

    min_words: int = bounded(4, at_least=1)
    max_words: int = bounded(200, at_least=1)


def judge_vtp_text(text: str, limits: VtpLimits) -> Why | None:
    """Why a text is no description of a video, or None.

    Flamingo, arXiv 2204.14198, A.3.3, gives no threshold: 4 to 200 words are ours.
    """
    words = len(text.split())
    if words < limits.min_words:
        return Why(Reason.CAPTION_LENGTH, words, limits.min_words)
    if words > limits.max_words:
        return Why(Reason.CAPTION_LENGTH, words, limits.max_words)
    return None
