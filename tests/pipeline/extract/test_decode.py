import codecs

import pytest

from pipeline.extract.decode import MAX_BYTES, declared_encodings, decode_html
from schemas.rejection import BadInput, Reason, Why

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


def read_right(encoding, label):
    body = page(TEXTS[encoding], label).encode(encoding)
    return TEXTS[encoding] in decode_html(body, "text/html")


ROTATED = {
    shift: {name: list(TEXTS)[(n + shift) % len(TEXTS)] for n, name in enumerate(TEXTS)}
    for shift in range(1, len(TEXTS))
}


@pytest.mark.parametrize(
    "lies",
    [
        {name: LIES.get(name, "utf-8") for name in TEXTS},
        {name: "iso-8859-1" if name != "iso-8859-1" else "utf-8" for name in TEXTS},
        {name: "windows-1252" if name != "windows-1252" else "utf-8" for name in TEXTS},
    ],
    ids=["called utf-8", "called latin-1", "called western"],
)
def test_34_of_36_with_the_labels_that_servers_put_on_everything(lies):
    table = {
        name: [read_right(name, name), read_right(name, lies[name]), read_right(name, "")]
        for name in TEXTS
    }
    for name, (right, lying, missing) in table.items():
        print(
            f"{name:<14} right {right!s:<6} called {lies[name]:<13} {lying!s:<6} missing {missing}"
        )
    assert sum(map(sum, table.values())) >= 34


def test_nine_of_ten_whatever_the_label_says():
    got = [read_right(name, lie) for lies in ROTATED.values() for name, lie in lies.items()]
    assert sum(got) >= 0.9 * len(got)


RIGHT = {
    "cp1251": [
        "Сьогодні гарна погода, і ми пішли гуляти до парку разом із дітьми.",
        "Днес времето е хубаво и ние отидохме на разходка в парка с децата.",
        "Данас је лепо време и ми смо отишли у шетњу по парку са децом.",
        "КАТАЛОГ ТОВАРОВ. ЦЕНЫ И УСЛОВИЯ ДОСТАВКИ",
        "Купить телефон Samsung Galaxy S10 в Москве",
    ],
    "cp1252": [
        "Rødgrød med fløde på bordet, åh så dejligt; Ærø er en ø i Østersøen",
        "Perché la città è così bella? Più in là c'è l'università, e né lui né lei lo sa già",
        "Não há solução: as ações são várias e o coração também",
        "Þetta er íslenska, ðað er gott að sjá þig",
        "10 m² à 20 m³, ø 30 mm, 5 °C",
    ],
    "cp1250": [
        "Árvíztűrő tükörfúrógép, őszi hűvös idő, jó erős fűszerek",
        "Čeština je těžká řeč, že ano? Příliš žluťoučký",
        "Ştiinţa şi ţara noastră",
        "Šuma, čaša, žena, ćevapi, đak",
    ],
    "iso8859-2": ["Zażółć gęślą jaźń, proszę państwa"],
    "cp1254": ["Güneş doğdu, çocuklar okula gidiyor; yağmur yağıyor, ılık"],
    "cp1257": ["Rīgā šodien ir ļoti skaists laiks, ēka, ģimene"],
    "cp1253": ["Σήμερα είναι καλός καιρός και πήγαμε βόλτα στο πάρκο"],
    "cp1255": ["היום מזג האוויר יפה והלכנו לטייל בפארק"],
    "cp874": ["วันนี้อากาศดีมาก เราไปเดินเล่นที่สวนสาธารณะ"],
    "cp932": [
        "東京都千代田区丸の内一丁目",
        "株式会社日本電気会社概要",
        "カタログ・ニュース・リリース",
    ],
    "euc_jp": ["東京都千代田区丸の内一丁目 会社概要", "ﾃﾞｰﾀﾍﾞｰｽ管理"],
    "gb18030": ["热门标签：春节、联欢、晚会", "饕餮盛宴，魑魅魍魉，氤氲缱绻，踟蹰徘徊，觊觎龌龊"],
    "big5hkscs": ["臺北市信義區忠孝東路五段"],
    "cp949": ["서울특별시 강남구 테헤란로", "大韓民國 憲法 第一條: 大韓民國은 民主共和國이다"],
}


@pytest.mark.parametrize("repeat", [1, 4])
@pytest.mark.parametrize(
    ("encoding", "text"), [(e, t) for e, texts in RIGHT.items() for t in texts]
)
def test_a_right_label_is_believed_in_many_languages(encoding, text, repeat):
    body = page((text + " ") * repeat, encoding).encode(encoding)
    assert text in decode_html(body, f"text/html; charset={encoding}")


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


def test_zeros_before_a_page_are_not_utf16():
    assert "naïve" in decode_html(b"\0" * 4000 + page("naïve").encode())


def test_a_page_that_no_parser_should_see_is_refused():
    with pytest.raises(BadInput) as bad:
        decode_html(b"x" * (MAX_BYTES + 1))
    assert bad.value.why == Why(Reason.TOO_MANY_BYTES, MAX_BYTES + 1, MAX_BYTES)


def test_tags_that_are_never_closed_do_not_hide_the_encoding():
    text = "Příliš žluťoučký kůň úpěl ďábelské ódy."
    assert text in decode_html(text.encode("cp1250") + b"<" * 200_000)


@pytest.mark.parametrize("body", [b"", b"\xff", b"\x00" * 300, bytes(range(256)) * 4])
def test_any_bytes_give_a_text(body):
    assert isinstance(decode_html(body), str)


@pytest.mark.parametrize(
    "reference", ["&#1;", "&#2;", "&#x1;", "&#X0002;", "&#0001", "\x01", "\x02"]
)
def test_the_marks_of_a_walk_are_in_no_page_by_number_either(reference):
    assert decode_html(f"<p>a{reference}b</p>".encode()) == "<p>ab</p>"


def test_references_to_other_characters_stay():
    html = "&#12; &#10; &#x1F; &#x2014; &#19;"
    assert decode_html(html.encode()) == html


SCRIPTS = {
    "windows-1253": "Σήμερα ο καιρός είναι πολύ καλός και πήγαμε βόλτα στο πάρκο με τα παιδιά.",
    "iso-8859-7": "Σήμερα ο καιρός είναι πολύ καλός και πήγαμε βόλτα στο πάρκο με τα παιδιά.",
    "windows-1255": "היום מזג האוויר יפה מאוד והלכנו לטייל בפארק עם הילדים. מחר ירד גשם.",
    "windows-1256": "الطقس اليوم جميل جدا وذهبنا في نزهة إلى الحديقة مع الأطفال وغدا سوف ينزل المطر.",
    "windows-874": "วันนี้อากาศดีมาก เราจึงไปเดินเล่นในสวนสาธารณะกับเด็กๆ พรุ่งนี้ฝนอาจจะตก",
}


@pytest.mark.parametrize("encoding", SCRIPTS)
@pytest.mark.parametrize("label", ["iso-8859-1", "utf-8", "windows-1252", ""])
def test_other_scripts_are_read_under_a_wrong_label_too(encoding, label):
    name = {"windows-874": "cp874"}.get(encoding, encoding)
    body = page(SCRIPTS[encoding], label).encode(name)
    assert SCRIPTS[encoding] in decode_html(body)
