"""How unlikely a text is to a language model of Wikipedia's: KenLM over SentencePiece's pieces."""

import re
import unicodedata
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

_DIGIT = re.compile(r"\d")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_QUOTES = str.maketrans(
    {
        "„": '"', "”": '"', "“": '"', "«": '"', "»": '"', "´": "'", "’": "'", "–": "-", "—": " - ",
        "…": "...", "，": ",", "。": ".", "、": ",", "：": ":", "？": "?", "！": "!", "（": "(",
        "）": ")", "；": ";",
    }
)  # fmt: skip


class NoLanguageModel(ValueError):
    """The packages that read a language model are not installed."""


@dataclass(frozen=True)
class Perplexity:
    """A text's perplexity, as CCNet counts it (arXiv 1911.00359, section 4.3) and OBELICS after it.

    Attributes:
        model: of KenLM: has `score(line)`, log10 of a line's probability.
        pieces: of SentencePiece: has `encode_as_pieces(text)`.
    """

    model: Any
    pieces: Any

    def __call__(self, text: str) -> float:
        """10 to the power of the mean negative log10 probability of a piece, one decimal."""
        line = " ".join(self.pieces.encode_as_pieces(plain_text(text)))
        return round(float(10.0 ** (-self.model.score(line) / (len(line.split()) + 1))), 1)


def plain_text(text: str) -> str:
    """The text as the model knows it: digits are zeros, marks are ASCII, spaces are spaces."""
    text = _CONTROL.sub(" ", text.strip()).translate(_QUOTES)
    text = "".join(" " if unicodedata.category(char) == "Zs" else char for char in text)
    return _DIGIT.sub("0", text)


def require_packages() -> None:
    """Nothing, where the packages are there.

    Raises:
        NoLanguageModel: kenlm or sentencepiece is not installed.
    """
    missing = [name for name in ("kenlm", "sentencepiece") if find_spec(name) is None]
    if missing:
        raise NoLanguageModel(
            f"[obelics] perplexity_model needs {' and '.join(missing)}: "
            "pip install kenlm sentencepiece"
        )


def read_perplexity(model: str, pieces: str) -> Perplexity:
    """The perplexity by a KenLM model and the SentencePiece model that goes with it.

    Args:
        model: path of a KenLM file, ARPA or binary.
        pieces: path of a SentencePiece model.

    Raises:
        NoLanguageModel: kenlm or sentencepiece is not installed.
        OSError: a file cannot be read.
    """
    require_packages()
    import kenlm
    import sentencepiece

    return Perplexity(kenlm.Model(model), sentencepiece.SentencePieceProcessor(model_file=pieces))
