"""Whether a page reads like text in the encoding that it was decoded by, or like a wrong label."""

import re
from collections.abc import Callable, Mapping

_SEEN = 50_000
_FEW = 12
"""Letters beyond ASCII under which nothing is told: the label stands."""
_RUN = re.compile("[^\x00-\x7f]+")

_LATIN = frozenset({"cp1252", "cp1250", "cp1254", "cp1257", "iso8859-15", "iso8859-2", "mac-roman"})
_CYRILLIC = frozenset({"cp1251", "koi8-r", "koi8-u", "iso8859-5", "mac-cyrillic"})
_SHIFT_JIS = frozenset({"cp932", "shift_jis", "shift_jis_2004", "shift_jisx0213"})
_JAPANESE = _SHIFT_JIS | {"euc_jp", "euc_jis_2004", "euc_jisx0213"}
_KOREAN = frozenset({"cp949", "euc_kr"})
_CHINESE = {
    "gb18030": "gb2312",
    "gbk": "gb2312",
    "gb2312": "gb2312",
    "big5": "big5",
    "big5hkscs": "big5",
}
_FREQUENT_ROWS = {"gb2312": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "euc_jp": (0xB0, 0xCF)}
"""Lead bytes of the frequent characters, which make up nearly all of a text."""

# The most frequent letters of the languages of each script, small ones.
_GREEK, _HEBREW, _ARABIC, _THAI = "αοιετσνηρπυ", "יוהלארתבשמ", "الينمورتبه", "านรอกเงวยลมทตส"
_SCRIPTS: Mapping[str, frozenset[str]] = {
    "cp1253": frozenset(_GREEK),
    "iso8859-7": frozenset(_GREEK),
    "cp1255": frozenset(_HEBREW),
    "iso8859-8": frozenset(_HEBREW),
    "cp1256": frozenset(_ARABIC),
    "iso8859-6": frozenset(_ARABIC),
    "cp874": frozenset(_THAI),
    "iso8859-11": frozenset(_THAI),
    "tis-620": frozenset(_THAI),
}
_MOST = 0.5
"""The share of such letters that a text has at least."""

KNOWN = _LATIN | _CYRILLIC | _JAPANESE | _KOREAN | _CHINESE.keys() | _SCRIPTS.keys()
"""Encodings whose texts are known; any other is believed."""

_FREQUENT_CYRILLIC = frozenset("оеаинтсрвлкміОЕАИНТСРВЛКМІ")
_POLISH_AS_WESTERN = re.compile("[a-z][³¹][a-z]")


def is_plausible(text: str, encoding: str) -> bool:
    """Whether the characters beyond ASCII are such as texts in the encoding have.

    Args:
        text: the decoded page.
        encoding: Python's name of what it was decoded by; one that is not known is believed.
    """
    sample = text[:_SEEN]
    letters = [c for c in sample if c > "\x7f" and c.isalpha()]
    if len(letters) < _FEW:
        return True
    if encoding in _LATIN:
        return _is_latin(sample, encoding)
    if encoding in _CYRILLIC:
        return _share(letters, _FREQUENT_CYRILLIC.__contains__) >= 0.5
    if encoding in _JAPANESE:
        return _is_japanese(letters, encoding)
    if encoding in _KOREAN:
        return _share(letters, lambda c: "\uac00" <= c <= "\ud7a3") >= 0.8
    if encoding in _CHINESE:
        return _is_chinese(letters, _CHINESE[encoding])
    if encoding in _SCRIPTS:
        return _share(letters, _SCRIPTS[encoding].__contains__) >= _MOST
    return True


def script_encoding(visible: bytes) -> str:
    """The encoding of a script that is neither Latin nor of thousands of signs, "" where none fits.

    Args:
        visible: the page's bytes without its tags.
    """
    likeliest, best = "", _MOST
    for encoding, frequent in _SCRIPTS.items():
        letters = [c for c in visible[:_SEEN].decode(encoding, "replace") if c > "\x7f"]
        if len(letters) >= _FEW and (share := _share(letters, frequent.__contains__)) > best:
            likeliest, best = encoding, share
    return likeliest


def _share(letters: list[str], has: Callable[[str], bool]) -> float:
    return sum(map(has, letters)) / len(letters)


def _is_latin(sample: str, encoding: str) -> bool:
    """Accented letters stand alone among plain ones; some meet in no language."""
    runs = _RUN.findall(sample)
    if sum(map(len, runs)) / len(runs) > 2.5:
        return False
    if encoding not in {"cp1252", "cp1254", "iso8859-15"}:
        return True
    # Czech has ø for ř and ì for ě when it is read as western, Polish ³ for ł and ¹ for ą.
    is_czech = sample.count("ø") > 1 and sample.count("ì") > 1
    return not is_czech and len(_POLISH_AS_WESTERN.findall(sample)) < 3


def _is_japanese(letters: list[str], encoding: str) -> bool:
    """There is kana in it; where there is hardly any, the kanji are frequent ones.

    In Shift JIS a single byte is a kana of half the width, and any other text is full of them.
    """
    half = _share(letters, lambda c: "\uff61" <= c <= "\uff9f")
    if encoding in _SHIFT_JIS and half > 0.1:
        return False
    kana = half + _share(letters, lambda c: "\u3041" <= c <= "\u30ff")
    return kana >= 0.1 or kana + _share_in_rows(letters, "euc_jp") >= 0.95


def _is_chinese(letters: list[str], table: str) -> bool:
    foreign = _share(letters, lambda c: "\u3041" <= c <= "\u30ff" or "\uac00" <= c <= "\ud7a3")
    return _share_in_rows(letters, table) >= 0.75 and foreign <= 0.1


def _share_in_rows(letters: list[str], table: str) -> float:
    """The share of the letters that stand among a table's frequent ones."""
    first, last = _FREQUENT_ROWS[table]
    return _share(letters, lambda c: first <= (c.encode(table, "ignore") or b"\0")[0] <= last)
