"""Strings that a tokeniser must know: contractions with their parts, abbreviations kept whole."""

from collections.abc import Iterator

_PRONOUNS = "you we they"
_PERSONS = "he she it"
_QUESTIONS = "who what when where why how there"
_NAMED = "that this"
_MANY = "these those"
_MODALS = "could might must should would"
_NEGATED = f"ca do does did had may need ought sha wo {_MODALS}"
_ONLY_NEGATED = "ai are is was were have has dare"
_WORDS_OF_THEIR_OWN = "ill its hell shell shed were well"
# Tails by the words they follow; each may have lost its apostrophe.
_TAILS = {
    "'ll|'ll've|'d|'d've": f"i {_PRONOUNS} {_PERSONS} {_QUESTIONS} {_NAMED} {_MANY}",
    "'ve": f"i {_PRONOUNS} {_QUESTIONS} {_MANY} {_MODALS}",
    "'re": f"{_PRONOUNS} {_QUESTIONS} {_MANY}",
    "'s": f"{_PERSONS} {_QUESTIONS} {_NAMED}",
    "'m|'ma": "i",
    "n't|n't've": _NEGATED,
    "n't": _ONLY_NEGATED,
}
_PARTS = {
    "'ll've": ("'ll", "'ve"),
    "'d've": ("'d", "'ve"),
    "'ma": ("'m", "a"),
    "n't've": ("n't", "'ve"),
}
_OTHERS = """
can|not gon|na got|ta let|'s c'm|on y'|all y|all not|'ve not|ve how|'d|'y
"""
_WHOLE = """
doin doin' goin goin' nothin nothin' nuthin nuthin' ol ol' somethin somethin' lovin lovin' havin
havin' em 'em 'll 'nuff 'cause 'cos 'coz 'cuz 'bout 's 'd 're ma'am o'clock ' ''
and/or w/o C++ a.m. p.m. co. vs. v.s. e.g. i.e.
Adm. Bros. Co. Corp. D.C. Dr. E.g. E.G. Gen. Gov. I.e. I.E. Inc. Jr. Ltd. Md. Messrs. Mo. Mont. Mr.
Mrs. Ms. Ph.D. Prof. Rep. Rev. Sen. St. Mt. Jan. Feb. Mar. Apr. Jun. Jul. Aug. Sep. Sept. Oct. Nov.
Dec. Ak. Ala. Ariz. Ark. Calif. Colo. Conn. Del. Fla. Ga. Ia. Id. Ill. Ind. Kan. Kans. Ky. La. Mass.
Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Okla. Ore. Pa. S.C. Tenn. Va. Wash.
Wis.
:) :-) :)) (: ): :] [: ;) ;-) :( :-( :(( :D :-D ;D XD xD :P :-P :p
:O :o :/ :-/ :| :* :3 <3 =) (= =( =D 8) :'( :') ^_^
"""


def _contractions() -> Iterator[tuple[str, ...]]:
    """Each contraction as its parts, with and without its apostrophes."""
    for tails, words in _TAILS.items():
        for tail in tails.split("|"):
            parts = _PARTS.get(tail, (tail,))
            for word in words.split():
                yield word, *parts
                yield word, *(part.replace("'", "") for part in parts)
    for line in _OTHERS.split():
        yield tuple(line.split("|"))


def _special() -> dict[str, tuple[str, ...]]:
    """Every special case by its string."""
    found: dict[str, tuple[str, ...]] = {}
    for first, *rest in _contractions():
        for word in (first, first.title() if first != "c'm" else "C'm"):
            found["".join((word, *rest))] = (word, *rest)
    for word in _WHOLE.split():
        found[word] = (word,)
        if word[0].islower() and "'" in word:
            found[word.title()] = (word.title(),)
    for hour in range(1, 13):
        for half in ("am", "pm", "a.m.", "p.m."):
            found[f"{hour}{half}"] = (str(hour), half)
    for letter in "abcdefghijklmnopqrstuvwxyzäöü":
        found[f"{letter}."] = (f"{letter}.",)
    for word in _WORDS_OF_THEIR_OWN.split():
        del found[word]
        del found[word.title()]
    curly = {
        key.replace("'", "’"): tuple(part.replace("'", "’") for part in parts)
        for key, parts in found.items()
    }
    return found | curly


SPECIAL: dict[str, tuple[str, ...]] = _special()
