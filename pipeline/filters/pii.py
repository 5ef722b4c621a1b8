"""Personal data in texts, replaced by fixed words: e-mail, phone, IP address, card number."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

EMAIL, PHONE, IP, CARD = "email", "phone", "ip", "card"
TOKENS = {EMAIL: "<EMAIL>", PHONE: "<PHONE>", IP: "<IP>", CARD: "<CARD>"}


@dataclass(frozen=True, slots=True)
class PiiLimits:
    """Personal data leave the texts; the rules are ours, near to BigScience's (arXiv 2303.03915).

    E-mail addresses, phone numbers, public IP addresses and card numbers that pass Luhn's check, in
    text blocks, titles, captions and alt texts, become `<EMAIL>`, `<PHONE>`, `<IP>` and `<CARD>`;
    the manifest counts them. Flamingo's paper says nothing of it, so that the `paper` recipe leaves
    it off.

    Attributes:
        replace: whether they are replaced.
    """

    replace: bool = True


# Six digits near each other: without them a text holds no phone and no card.
_DIGITS = re.compile(r"\d(?:[^\w\n]{0,3}\d){5}")

_EMAIL = re.compile(
    r"(?<![\w.%+\-/@])(?<!\w['’])(?:[\w.%+\-]|(?<=\w)['’](?=\w)){1,64}(?:@|[(\[]at[)\]])"
    r"(?:[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?\.)+([^\W\d_]{2,24})(?![\w@]|-\w|:[\w/~])"
)
_FILE_ENDINGS = frozenset(
    ["png", "jpg", "jpeg", "gif", "webp", "svg", "css", "js", "mp4", "pdf", "html", "avif", "json"]
)

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"(?<![\w.\-])(?<!\d,)(?:{_OCTET}\.){{3}}{_OCTET}(?![\w\-]|\.\d|%)")
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34}(?![\w:]|\.\d)")
_VERSION_BEFORE = re.compile(
    r"\b(?:v|ver|versions?|releases?|released|builds?|firmware|drivers?|sections?|chapters?|clauses?|"
    r"rev|revisions?|updated?|upgraded?|patch|kernel|rc)\b|[A-Za-z]/$|§ ?$",
    re.IGNORECASE,
)
_ADDRESS_BEFORE = re.compile(r"\b(?:ips?|ipv4|address(?:es)?|hosts?|servers?)\b", re.IGNORECASE)

_CARD = re.compile(
    r"(?<![\w.,$€£#/+\-])(?:\d{4}([ .\-]?)\d{4}\1\d{4}\1\d{4}|3[47]\d\d([ \-]?)\d{6}\2\d{5}|"
    r"3[0689]\d\d([ \-]?)\d{6}\3\d{4})(?= \d\d/\d\d(?!\d)|(?![\w/]|[.,\- ]\d))"
)
_ISSUER = re.compile(r"4|5[1-5]|2[2-7]|3[47]|3[0689]|6011|6[45]|35|62")
_NO_CARD_BEFORE = re.compile(
    r"\b(?:order|tracking|invoice|serial|isbn|ean|upc|gtin|id|ref|reference|parcel|shipment|item|"
    r"model|part|sku|ticket|imei|iban)\b[\w ]{0,12}[.:#\-]*\s*(?:is\s+)?#?$",
    re.IGNORECASE,
)

# Phone numbers as people write them: +49 30 1234567, (212) 555-0123, 1-800-555-0199, 020 7946 0958,
# 8 (495) 123-45-67, (11) 91234-5678.
_GAP = r"[ .\-\u00a0\u2010\u2011\u2013/]"
_MORE = rf"(?:{_GAP}{{0,3}}(?:\(\d{{1,5}}\)|\d))"
_PHONE = re.compile(
    r"(?<![\w+\-.,/$€£#=])(?<!\d )(?:"
    rf"(?P<abroad>(?:\+|00(?=[ \-]?[1-9])) ?[1-9]{_MORE}{{6,14}})|"
    rf"(?P<american>(?:1{_GAP}?)?(?:\([2-9]\d\d\){_GAP}{{0,2}}|[2-9]\d\d{_GAP})"
    rf"[2-9]\d\d{_GAP}\d{{4}})|"
    rf"(?P<told>[78]{_GAP}?\(\d{{3}}\) ?\d{{3}}[ \-]\d\d[ \-]?\d\d|\(\d\d\) ?9\d{{4}}-\d{{4}})|"
    rf"(?P<national>(?:\(0\d{{1,4}}\)|0\d{{1,4}})(?:{_GAP}{{1,2}}\d{{2,5}}){{2,4}}|"
    rf"0\d{{2,4}}{_GAP}\d{{6,8}})|"
    rf"(?P<bare>(?:\(\d{{1,5}}\)|\d){_MORE}{{6,13}})"
    rf")(?!(?!x\d|ext)\w|/|{_GAP}{{1,2}}\(?\d|,\d|%)"
)
_NO_AREA = re.compile(rf"\+1{_GAP}?\(?[01]")
"""In North America no area begins so (NANP)."""
_PHONE_BEFORE = re.compile(
    r"(?:\b(?:tel|telephone|phone|phones|mobile|cell|call|calling|called|dial|fax|ring|text|sms|"
    r"whatsapp|hotline|helpline|toll[ \-]free|tollfree|landline|handy|ph|mob)\b|☎|📞|📱)"
    r"(?:\s?(?:number|no|nr|line|us|me|him|her|them|now|today|directly|free|on|at|is|toll[ \-]free|"
    r"office|support|\((?:\w+)\)))*[\s.:#=\-]*\(?$",
    re.IGNORECASE,
)
_NO_PHONE_BEFORE = re.compile(
    r"\b(?:isbn(?:-1[03])?|issn|order|tracking|invoice|serial|ean|upc|gtin|id|ref|reference|item|"
    r"model|part|sku|patent|case|ticket|account|zip|doi|asin|version|lot|batch|parcel|docket)\b"
    r"[\w ]{0,12}[.:#\-]*\s*(?:is\s+)?#?$",
    re.IGNORECASE,
)
_UNIT_BEHIND = re.compile(r"\s?(?:[mck]?m|inch(?:es)?|k?g|px|BCE?|AD|CE|people|units)\b")
_LOOK_BACK = 40


def replace_pii(text: str) -> tuple[str, Counter[str]]:
    """The text with personal data replaced by words, and how many of each kind there were."""
    counts: Counter[str] = Counter()
    if "@" in text or "at)" in text or "at]" in text:
        text = _replace(text, EMAIL, _EMAIL, _is_email, counts)
    if text.count(":") > 2:
        text = _replace(text, IP, _IPV6, _is_ipv6, counts)
    if text.count(".") > 2:
        text = _replace(text, IP, _IPV4, _is_ipv4, counts)
    if _DIGITS.search(text):
        text = _replace(text, CARD, _CARD, _is_card, counts)
        text = _replace(text, PHONE, _PHONE, _is_phone, counts)
    return text, counts


def _replace(
    text: str,
    kind: str,
    pattern: re.Pattern[str],
    is_kind: Callable[[re.Match[str]], bool],
    counts: Counter[str],
) -> str:
    """The text with the pattern's matches replaced where they are of the kind."""

    def word(match: re.Match[str]) -> str:
        if not is_kind(match):
            return match[0]
        counts[kind] += 1
        return TOKENS[kind]

    return pattern.sub(word, text)


def _before(match: re.Match[str]) -> str:
    """The text just before a match."""
    return match.string[max(0, match.start() - _LOOK_BACK) : match.start()]


def _is_email(match: re.Match[str]) -> bool:
    """Whether what looks like an address is one; `icon@2x.png` is none."""
    return match[1].lower() not in _FILE_ENDINGS and any(map(str.isalnum, match[0].split("@")[0]))


def _is_ipv4(match: re.Match[str]) -> bool:
    """Whether four numbers are a public address and no version.

    Of a thousand addresses one has fewer than two numbers above 9; versions often have. Where the
    text calls it an address it is one.
    """
    before = _before(match)
    named = bool(_ADDRESS_BEFORE.search(before))
    if _VERSION_BEFORE.search(before) and not named:
        return False
    large = sum(len(number) > 1 for number in match[0].split("."))
    return (named or large > 1) and IPv4Address(match[0]).is_global


def _is_ipv6(match: re.Match[str]) -> bool:
    """Whether what looks like an IPv6 address is a public one."""
    try:
        return IPv6Address(match[0]).is_global
    except AddressValueError:
        return False


def _is_card(match: re.Match[str]) -> bool:
    """Whether a number is a payment card's: its issuer, Luhn's check, no other thing's number."""
    number = re.sub(r"\D", "", match[0])
    return (
        _ISSUER.match(number) is not None
        and passes_luhn(number)
        and not _NO_CARD_BEFORE.search(_before(match))
    )


def passes_luhn(number: str) -> bool:
    """Whether the last digit is the one that Luhn's sum asks for (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + doubled) % 10 == 0


def _is_phone(match: re.Match[str]) -> bool:
    """Whether a number is a telephone's: by its form, or by the word before it."""
    digits = sum(map(str.isdigit, match[0]))
    before = _before(match)
    if not 7 <= digits <= 15 or _NO_PHONE_BEFORE.search(before):
        return False
    if _UNIT_BEHIND.match(match.string, match.end()) or _NO_AREA.match(match[0]):
        return False
    if match["bare"] or digits < 9:
        return _PHONE_BEFORE.search(before) is not None
    return True
