import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.decode import decode_html
from pipeline.extract.latin import latin_encoding

TEXTS = {
    "polish": "Kiedyś mieszkał tu młynarz, który co rano piekł chleb dla całej wsi. Później dom stał "
    "pusty, aż przyszła młoda malarka i zawiesiła na ścianach swoje obrazy; dziś przyjeżdżają "
    "goście z różnych stron, żeby je oglądać.",
    "czech": "Každé ráno otevře stará paní okno a dívá se, jak děti běží do školy. Když prší, "
    "zůstane doma, uvaří čaj a čte si knížku o cestách do dalekých zemí, kde ještě nikdy nebyla.",
    "slovak": "Každé ráno otvorí stará pani okno a díva sa, ako deti bežia do školy. Keď prší, "
    "ostane doma, uvarí si čaj a číta knižku o cestách ďaleko za more, kde ešte nikdy nebola.",
    "hungarian": "Az öreg malom a folyó fölött áll, és őszönként még ma is működik. A gyerekek "
    "délután fűzfavesszőből kosarat fonnak, a felnőttek pedig a tűz körül ülnek és mesélnek.",
    "romanian": "În fiecare dimineaţă bătrânul îşi deschide fereastra şi priveşte cum copiii aleargă "
    "spre şcoală. Când plouă, rămâne acasă şi citeşte o carte despre ţări îndepărtate.",
    "croatian": "Svako jutro starica otvori prozor i gleda kako djeca trče u školu. Kad kiša pada, "
    "ostaje kod kuće, kuha čaj i čita knjigu o dalekim zemljama; noću joj dođe mačka u sobu.",
    "slovene": "Vsako jutro starka odpre okno in gleda, kako otroci tečejo v šolo. Če dežuje, ostane "
    "doma, skuha čaj in bere knjigo o daljnih deželah, kjer še nikoli ni bila.",
    "turkish": "Yaşlı kadın her sabah pencereyi açıp çocukların okula koşuşunu seyreder. Yağmur "
    "yağdığında evde kalır, çay demler ve hiç görmediği uzak ülkeleri anlatan bir kitap okur.",
    "lithuanian": "Kiekvieną rytą senutė atidaro langą ir žiūri, kaip vaikai bėga į mokyklą. Kai "
    "lyja, ji lieka namuose, geria arbatą ir skaito knygą apie tolimus kraštus už jūrų.",
    "latvian": "Katru rītu vecā sieva atver logu un skatās, kā bērni skrien uz skolu. Kad līst, viņa "
    "paliek mājās, vāra tēju un lasa grāmatu par tālām zemēm, kur nekad nav bijusi.",
    "icelandic": "Á hverjum morgni opnar gamla konan gluggann og horfir á börnin hlaupa í skólann. "
    "Þegar rignir er hún heima, hitar te og les bók um lönd sem hún hefur aldrei séð.",
    "portuguese": "Todas as manhãs a velha senhora abre a janela e vê as crianças a correr para a "
    "escola. Quando chove, não sai: prepara chá e lê histórias de regiões onde nunca pôs os pés.",
    "french": "Chaque matin, la vieille dame ouvre sa fenêtre et regarde les élèves courir à l’école. "
    "Dès qu’il pleut, elle reste chez elle, prépare un thé et lit un récit où l’on traverse la mer.",
    "danish": "Hver morgen åbner den gamle kone sit vindue og ser børnene løbe til skole. Når det "
    "regner, bliver hun hjemme, laver en kop te og læser om fjerne lande, hun aldrig får at se.",
    "italian": "Ogni mattina la vecchia apre la finestra perché le piace vedere i bambini. Più tardi, "
    "se farà brutto, andrà a casa: là c’è il tè, e lì leggerà di città in cui non è mai stata.",
}
CENTRAL = ("polish", "czech", "slovak", "hungarian", "romanian", "croatian", "slovene")
ENCODED = [
    *((language, encoding) for language in CENTRAL for encoding in ("cp1250", "iso8859-2")),
    ("turkish", "cp1254"),
    ("lithuanian", "cp1257"),
    ("latvian", "cp1257"),
    *((name, "cp1252") for name in ("icelandic", "portuguese", "french", "danish", "italian")),
]


@pytest.mark.parametrize("label", ["", "utf-8", "iso-8859-1"])
@pytest.mark.parametrize(("language", "encoding"), ENCODED)
def test_a_page_is_read_whatever_it_calls_itself(language, encoding, label):
    text = TEXTS[language]
    meta = f"<meta charset='{label}'>" if label else ""
    body = f"<html>{meta}<title>{text[:40]}</title><p class='été'>{text}</p></html>".encode(
        encoding, "replace"
    )
    assert text in decode_html(body)


@pytest.mark.parametrize(("language", "encoding"), ENCODED)
def test_a_right_label_is_no_hindrance(language, encoding):
    text = TEXTS[language]
    assert text in decode_html(f"<p>{text}</p>".encode(encoding), f"text/html; charset={encoding}")


@pytest.mark.parametrize(("language", "encoding"), ENCODED)
def test_capitals_are_letters_too(language, encoding):
    text = TEXTS[language].upper().encode(encoding, "ignore")
    assert text.decode(latin_encoding(text)) == text.decode(encoding)


@given(st.sampled_from(ENCODED), st.text(st.characters(max_codepoint=127), max_size=300))
def test_what_is_not_accented_says_nothing(encoded, plain):
    language, encoding = encoded
    text = TEXTS[language].encode(encoding)
    told = latin_encoding(text)
    assert latin_encoding(plain.encode() + b" " + text + b" " + plain.encode()) == told
    assert latin_encoding(plain.encode()) == ""


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Каждое утро старая женщина открывает окно и смотрит на детей", "cp1251"),
        ("Каждое утро старая женщина открывает окно и смотрит на детей", "koi8-r"),
        ("Κάθε πρωί η γριά ανοίγει το παράθυρο και κοιτάζει τα παιδιά", "cp1253"),
        ("בכל בוקר הזקנה פותחת את החלון ומביטה בילדים", "cp1255"),
        ("毎朝おばあさんは窓を開けて子供たちを見ています", "shift_jis"),
        ("每天早上老太太打开窗户看着孩子们跑去学校", "gb18030"),
        ("매일 아침 할머니는 창문을 열고 아이들을 바라본다", "euc-kr"),
    ],
)
def test_other_scripts_are_no_latin(text, encoding):
    assert latin_encoding(text.encode(encoding)) == ""


@pytest.mark.parametrize("text", ["", "10 m, 5 C", "£5 and ½ a cup – 20 °", "• • •"])
def test_without_a_letter_nothing_is_told(text):
    assert latin_encoding(text.encode("cp1252")) == ""


def test_few_accents_in_english_are_western():
    for text in (
        "A café in São Paulo",
        "Windows® and naïve façades, 20 m² each",
        "It’s a fiancée’s",
    ):
        assert text.encode("cp1252").decode(latin_encoding(text.encode("cp1252"))) == text


def test_a_label_decides_where_the_page_does_not():
    czech = "Dvořák".encode("cp1250")
    assert latin_encoding(czech, "cp1250") == "cp1250"
    assert latin_encoding(czech, "iso8859-2") == "iso8859-2"
