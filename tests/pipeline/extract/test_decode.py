import codecs

import pytest

from pipeline.extract.decode import declared_encodings, decode_html

RUSSIAN = "Сегодня хорошая погода, и мы пошли гулять в парк вместе с детьми. Завтра будет дождь."
JAPANESE = "今日はとても天気がいいので、公園へ散歩に行きました。明日は雨が降るでしょう。"
TEXTS = {
    "utf-8": "Żółta łódź płynie po rzece – „piękny dzień”. Ünïcödé 日本語 текст.",
    "utf-16": "The quick brown fox – “jumps” over the lazy dog. Привет, мир!",
    "windows-1252": "Le café était fermé, mais l’hôtel “Élysée” resta ouvert jusqu’à l’été.",
    "iso-8859-1": "El niño comió una manzana en la montaña; después durmió hasta mañana.",
    "windows-1250": "Příliš žluťoučký kůň úpěl ďábelské ódy. Dnes je hezký den na zahradě.",
    "windows-1251": RUSSIAN,
    "koi8-r": RUSSIAN,
    "shift_jis": JAPANESE,
    "euc-jp": JAPANESE,
    "gb2312": "今天天气很好，我们去公园散步。明天可能会下雨，所以请带上雨伞。中国的历史非常悠久。",
    "big5": "今天天氣很好，我們去公園散步。明天可能會下雨，所以請帶上雨傘。台灣的歷史非常悠久。",
    "euc-kr": "오늘은 날씨가 아주 좋아서 공원으로 산책을 갔습니다. 내일은 비가 올 것입니다.",
}
LIES = {"utf-8": "iso-8859-1", "utf-16": "utf-8"}


def page(text, label=""):
    meta = f'<meta charset="{label}">' if label else ""
    return f"<!doctype html><html><head>{meta}</head><body><p>{text}</p><p>{text}</p></body></html>"


@pytest.mark.parametrize("encoding", TEXTS)
@pytest.mark.parametrize("label", ["right", "lying", "missing"])
@pytest.mark.parametrize("where", ["header", "meta"])
def test_the_text_comes_through_whatever_the_label_says(encoding, label, where):
    name = {"right": encoding, "lying": LIES.get(encoding, "utf-8"), "missing": ""}[label]
    body = page(TEXTS[encoding], name if where == "meta" else "").encode(encoding)
    header = f"text/html; charset={name}" if name and where == "header" else "text/html"
    assert TEXTS[encoding] in decode_html(body, header)


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_byte_order_mark_wins_over_every_label(mark, encoding):
    assert decode_html(mark + "naïve".encode(encoding), "text/html; charset=koi8-r") == "naïve"


def test_iso_2022_is_told_by_its_escapes():
    body = page(JAPANESE).encode("iso2022_jp")
    assert JAPANESE in decode_html(body)
    assert JAPANESE in decode_html(body, "text/html; charset=iso-2022-jp")


def test_a_few_broken_bytes_in_utf8_stay_utf8():
    body = page("naïve – “quoted”").encode() + b"\xff\xfe\x80"
    assert "naïve – “quoted”" in decode_html(body, "text/html; charset=utf-8")
    assert "naïve – “quoted”" in decode_html(body)


def test_labels_are_read_as_browsers_read_them():
    body = b'<?xml version="1.0" encoding="iso-8859-1"?><meta charset="GB2312">'
    assert declared_encodings(body, 'text/html; charset="UTF-8"') == ["utf-8", "cp1252", "gb18030"]
    assert declared_encodings(b"<meta charset=hex>", "text/html; charset=no-such") == []


@pytest.mark.parametrize("body", [b"", b"\xff", b"\x00" * 300, bytes(range(256)) * 4])
def test_any_bytes_give_a_text(body):
    assert isinstance(decode_html(body), str)
