"""HTML bytes to text: the encoding is settled here, before any parser sees the page."""

import codecs
import re

from pipeline.extract.latin import ENCODINGS, latin_encoding
from pipeline.extract.plausible import KNOWN, is_plausible, script_encoding
from schemas.rejection import BadInput, Reason

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LABEL = r"([A-Za-z0-9_.:\-]{1,40})"
_HEADER = re.compile(rf"charset\s*+=\s*+[\"']?+\s*+{_LABEL}", re.IGNORECASE)
_META = re.compile(
    rf"<meta[^>]{{0,400}}?charset\s*+=\s*+[\"']?+\s*+{_LABEL}".encode(), re.IGNORECASE
)
_XML = re.compile(rf"^\s*+<\?xml[^>]{{0,200}}?encoding\s*+=\s*+[\"']{_LABEL}".encode())
_OF_PAGES = re.compile(
    r"utf-(?:8(?:-sig)?|(?:16|32)(?:-[lb]e)?)|(?:cp|iso8859[-_])\d+|koi8[-_][a-z]|mac[-_]\w+"
    r"|iso2022[-_]\w+|hz|gb\w+|big5\w*|euc[-_]\w+|shift_jis\w*|johab|tis-620|ptcp154|kz1048|ascii"
)
"""Python's names of what pages are written in; `idna`, `undefined` and `utf-7` are no encodings of
text: some fail on it, some make half characters of it that cannot be written."""
MAX_BYTES = 16 << 20
"""Twice as long a page takes the parsers 4 s and 350 MB, 100 MB of it 800 MB."""
_SEEN = 200_000
"""So much of a page is looked at to tell its encoding."""
_META_WINDOW = 4096
"""Bytes searched for a meta tag: browsers look at 1,024, real pages put it up to 4,000 deep."""

# The labels of the WHATWG Encoding Standard that Python reads otherwise than browsers do.
_LABELS = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "windows-1252": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "big5": "big5hkscs",
    "x-big5": "big5hkscs",
    "utf8": "utf-8",
    "unicode": "utf-16-le",
    "utf-16": "utf-16-le",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "x-mac-cyrillic": "mac-cyrillic",
    "koi8-ru": "koi8-u",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
}
_NOTHING = dict.fromkeys((0, 1, 2, 3))
"""Taken out of every page: the first four control characters, with which a walk marks its text."""
_REFERENCE = re.compile("&#(?:0*+[123](?![0-9])|[xX]0*+[123](?![0-9a-fA-F]));?")
_REFERENCE_BYTES = re.compile(_REFERENCE.pattern.encode())
"""The last three of them by their numbers; a parser makes another character of `&#0;` itself."""
_C1 = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]")


def decode_html(body: bytes, content_type: str = "") -> str:
    """The page as text, without the control characters that stand for nothing in HTML.

    Tried are byte order mark, strict UTF-8, the declared encoding, then detection.

    Strict UTF-8 comes before what the header or the page declares: text in another encoding
    that happens to be valid UTF-8 beyond ASCII is very rare, a wrong label is not. A page
    declared in an encoding without ASCII's letters in place (UTF-16, ISO-2022-JP) is looked at
    first, because its bytes may be valid UTF-8 by nature.

    Raises:
        BadInput: TOO_MANY_BYTES on a page of more than MAX_BYTES.
    """
    if len(body) > MAX_BYTES:
        raise BadInput(Reason.TOO_MANY_BYTES, len(body), MAX_BYTES)
    text = _decoded(body, content_type)
    # A search in bytes costs a tenth of one in text, and hardly any page holds such a byte.
    if any(mark in body for mark in _NOTHING):
        text = text.translate(_NOTHING)
    return _REFERENCE.sub("", text)


def utf8_of(body: bytes, content_type: str = "") -> bytes:
    """The page as `decode_html` reads it, in UTF-8: most pages are that already.

    Raises:
        BadInput: as there.
    """
    return body if _is_clean(body, content_type) else decode_html(body, content_type).encode()


def _is_clean(body: bytes, content_type: str) -> bool:
    """Whether a page is UTF-8 that `decode_html` takes as it stands."""
    if len(body) > MAX_BYTES or any(mark in body for mark in _NOTHING):
        return False
    if any(body.startswith(mark) for mark, _ in _BOMS):
        return False
    if _seven_bit(body, declared_encodings(body, content_type)) or _utf16_by_zeros(body):
        return False
    return _REFERENCE_BYTES.search(body) is None and _strict(body, "utf-8") is not None


def _decoded(body: bytes, content_type: str) -> str:
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    declared = declared_encodings(body, content_type)
    text = _seven_bit(body, declared) or _utf16_by_zeros(body) or _strict(body, "utf-8")
    if text is not None:
        return text
    labelled = _by_label(body, declared)
    if labelled is not None and is_plausible(*labelled):
        text, label = labelled
        name = latin_encoding(_visible(body), label) if label in ENCODINGS else label
        return text if name in {"", label} else body.decode(name, "replace")
    detected, name = _detected(body)
    if labelled is None or (name in KNOWN and is_plausible(detected, name)):
        return detected
    return labelled[0]


def declared_encodings(body: bytes, content_type: str) -> list[str]:
    """Python's names of the encodings that header, XML declaration and meta tag name, in order."""
    head = body[:_META_WINDOW]
    found = [m[1] for m in [_HEADER.search(content_type)] if m]
    found += [m[1].decode("ascii") for m in (_XML.search(head), _META.search(head)) if m]
    names: list[str] = []
    for label in found:
        name = _python_name(label)
        if name and name not in names:
            names.append(name)
    return names


def _python_name(label: str) -> str:
    label = label.strip().lower()
    try:
        codec = codecs.lookup(_LABELS.get(label, label))
    except (LookupError, ValueError):
        return ""
    return codec.name if _OF_PAGES.fullmatch(codec.name) else ""


def _strict(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except (UnicodeDecodeError, UnicodeError):
        return None


def _seven_bit(body: bytes, declared: list[str]) -> str | None:
    """ISO-2022 and its like are ASCII bytes with escapes: only the label tells them from UTF-8."""
    if b"\x1b" not in body and not any(name.startswith("hz") for name in declared):
        return None
    for name in declared:
        if name.startswith(("iso2022", "iso-2022", "hz")) and (b"\x1b" in body or b"~{" in body):
            return _strict(body, name)
    return _strict(body, "iso2022_jp_2") if b"\x1b$B" in body else None


def _utf16_by_zeros(body: bytes) -> str | None:
    """UTF-16 without a mark: markup is ASCII, so every other byte of the beginning is zero."""
    head = body[:256]
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if half < 8 or max(even, odd) < half * 0.7 or min(even, odd) > half * 0.1:
        return None
    encoding = "utf-16-be" if even > odd else "utf-16-le"
    return body[: len(body) & ~1].decode(encoding, "replace")


def _by_label(body: bytes, declared: list[str]) -> tuple[str, str] | None:
    """The text under the first label that it can be read by, with the label.

    A page with a few broken bytes among much valid UTF-8 stays UTF-8 whatever its label. UTF-16
    has zeros in all of its markup and was told by them: with hardly any, its label is wrong.
    """
    start = body[:256]
    is_wide = start.count(0) * 8 >= len(start)
    text = body.decode("utf-8", "replace")
    if _is_utf8(text):
        return text, "utf-8"
    for name in declared:
        if name.startswith("utf-8") or (name.startswith(("utf-16", "utf-32")) and not is_wide):
            continue
        text = _strict(body, name) or body.decode(name, "replace")
        if _is_mostly(text):
            return text, name
    return None


def _is_utf8(text: str) -> bool:
    """Whether more sequences beyond ASCII were valid than not: other text hardly ever holds one."""
    broken = text.count("\ufffd")
    valid = sum(1 for c in text[:_SEEN] if c > "\x7f") - broken
    return valid > broken


def _is_mostly(text: str) -> bool:
    """Whether few of the characters beyond ASCII are controls or could not be read."""
    odd = len(_C1.findall(text))
    beyond = sum(1 for c in text[:_SEEN] if c > "\x7f")
    return odd <= max(2, beyond * 0.1)


# The letters and marks beyond ASCII of Spanish, French, German, Italian and Portuguese text. Other
# Latin encodings put letters of their own in these places and always use some outside of them.
_WESTERN = frozenset("áéíóúñüöäßçèêàâîôûëïœãõÁÉÍÓÚÑÜÖÄÇÈÊÀÂÎÔÛ¿¡«»ºª’‘“”„–—…•€£©®°· \xa0")


def _visible(body: bytes) -> bytes:
    """The beginning of the page without its tags."""
    return re.sub(rb"<[^<>]*>", b" ", body[:_SEEN])  # linear, however many are never closed


def _detected(body: bytes) -> tuple[str, str]:
    """The text under the encoding that its letters fit best, windows-1252 where none does."""
    from charset_normalizer import from_bytes

    visible = _visible(body)
    told = latin_encoding(visible) or script_encoding(visible)
    if told:
        return body.decode(told, "replace"), told
    western = body.decode("cp1252", "replace")
    if {c for c in western[:_SEEN] if c > "\x7f"} <= _WESTERN:
        return western, "cp1252"
    best = from_bytes(visible[:100_000]).best()
    name = best.encoding if best is not None else "cp1252"
    name = _LABELS.get(name.replace("_", "-"), name)
    return body.decode(name, "replace"), codecs.lookup(name).name
