import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.explain import main
from pipeline.page_account import PageReader
from pipeline.verdict import PageRules
from schemas.manifest import Manifest, StageCount, encode_manifest

PAGE = """<html><head><title>Kites</title><link rel="license" href="/cc"></head><body><article>
<h1>Kites</h1>
<p>The red kite soars over the valley in the early morning, and it hardly ever beats its wings.</p>
<figure><img src="a.jpg" alt="A kite" width="640"
height="480" data-credit="Jane Doe"><figcaption>A kite.</figcaption></figure>
<video src="b.mp4" poster="b.jpg"></video><pre>x = 1
y = 2</pre>
<p>When the sun has warmed the slopes, the birds rise with the air and are lost to sight for hours,
and in the evening they come back to the old oaks by the river, where they have slept for years.</p>
</article></body></html>"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(PAGE)
    return str(path)


def test_a_page_as_json(page, capsys):
    assert main([page, "--url", "https://example.org/x/page.html", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["url"] == "https://example.org/x/page.html"
    assert (row["language"], row["title"]) == ("en", "Kites")
    assert row["licence"] == ["https://example.org/cc"]
    assert [b["kind"] for b in row["blocks"]] == [
        "text", "text", "image", "text", "video", "text", "text",
    ]  # fmt: skip
    assert row["blocks"][2] == {
        "kind": "image",
        "url": "https://example.org/x/a.jpg",
        "alt": "A kite",
        "caption": "A kite.",
        "width": 640,
        "height": 480,
        "rights": {"credit": "Jane Doe", "found": "credit: attribute"},
    }
    assert row["verdict"] == {"kept": True, "reason": None, "value": None, "limit": None}


def test_a_page_as_text(page, capsys):
    assert main([page]) == 0
    out = capsys.readouterr().out
    assert "heading     Kites" in out
    assert "    y = 2" in out
    assert "    caption: A kite.\n    credit: Jane Doe\n    found: credit: attribute\n" in out
    assert out.rstrip().endswith("kept: no text filter speaks against it")
    assert "\x1b[" not in out


def test_personal_data_are_told_but_shown(tmp_path, capsys):
    path = tmp_path / "mail.html"
    path.write_text("<p>Write to a@b.example, and the dog in the garden will answer you.</p>")
    assert main([str(path)]) == 0
    out = capsys.readouterr().out
    assert "a@b.example" in out
    assert "to be replaced in a corpus: email 1" in out


def test_a_dropped_page_tells_why(tmp_path, capsys):
    path = tmp_path / "short.html"
    path.write_text("<p>The cat is on the mat, and the dog is in the garden.</p>")
    assert main([str(path)]) == 0
    assert "dropped: too_few_words 13 (limit 50)" in capsys.readouterr().out
    path.write_text("<p>12 34 5678</p>")
    assert main([str(path)]) == 0
    told = "dropped: language 0.0 (limit 0.65) no word to tell it by"
    assert told in capsys.readouterr().out
    assert main([str(path), "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)["verdict"]
    assert (verdict["value"], verdict["detail"]) == (0.0, "no word to tell it by")


def test_many_pages_one_object_a_line(page, tmp_path, capsys):
    (tmp_path / "empty.html").write_text("<p></p>")
    rows = [{"path": page, "url": "https://a.example/"}, {"path": str(tmp_path / "empty.html")}]
    (tmp_path / "pages.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert main(["--pages", str(tmp_path / "pages.jsonl")]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["path"], first["url"]) == (page, "https://a.example/")
    assert second["blocks"] == []
    assert second["verdict"]["reason"] == "no_content"
    assert second["url"].startswith("file://")


def test_a_file_url_is_the_default(page):
    with PageReader(PageRules()) as reader:
        row, _ = reader.account_for(page)
    assert row["blocks"][2]["url"].startswith("file:///")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not json", 'p.jsonl:1: not a {"path", "url"} object: Expecting value'),
        (b"\xff\xfe", 'p.jsonl:1: not a {"path", "url"} object: '),
        (b"[" * 100_000, 'p.jsonl:1: not a {"path", "url"} object: '),
        (b"[1]", 'p.jsonl:1: not a {"path", "url"} object: [1]'),
        (b'{"url": "x"}', "p.jsonl:1: not a {\"path\", \"url\"} object: {'url': 'x'}"),
        (b'{"path": 3}', 'p.jsonl:1: not a {"path", "url"} object: {\'path\': 3}'),
        (b'{"path": "a", "url": [1]}', 'p.jsonl:1: not a {"path", "url"} object: '),
        (b'{"path": "a\\u0000b"}', "p.jsonl:1: "),
        (b'{"path": "/no/such.html"}', "p.jsonl:1: /no/such.html: No such file or directory"),
    ],
)
def test_a_bad_line_is_named_and_the_others_go_on(page, tmp_path, content, message, caplog, capsys):
    good = json.dumps({"path": page}).encode()
    (tmp_path / "p.jsonl").write_bytes(content + b"\n" + good + b"\n")
    assert main(["--pages", str(tmp_path / "p.jsonl")]) == 1
    assert message in caplog.text
    assert len(caplog.records) == 1
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert row["path"] == page


def test_a_missing_page_is_one_line(caplog):
    assert main(["/no/such.html"]) == 1
    assert "/no/such.html: No such file or directory" in caplog.text


def test_a_missing_page_among_others_hides_none_of_them(tmp_path, capsys):
    pages = [tmp_path / "a.html", tmp_path / "missing.html", tmp_path / "c.html"]
    for page in (pages[0], pages[2]):
        page.write_text(f"<p>The red kite of {page.stem} soars over the valley all day.</p>")
    assert main([*map(str, pages), "--json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["path"] for row in rows] == [str(pages[0]), str(pages[2])]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["a.html", "--find", "x"],
        ["--find", "x"],
        ["a.html", "--output", "d"],
        ["--bad"],
        ["--pages", "p.jsonl", "--url", "http://a.example/"],
        ["--pages", "p.jsonl", "--content-type", "text/html"],
        ["a.html", "b.html", "--url", "http://a.example/"],
        ["a.html", "--pages", "p.jsonl"],
        ["a.html", "--json", "--text"],
        ["--find", "x", "--output", "d", "--recipe", "m3w"],
    ],
)
def test_wrong_usage(argv):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2


def decisions(tmp_path):
    folder = tmp_path / "out" / "decisions"
    folder.mkdir(parents=True)
    base = {
        "kind": "page",
        "key": "k",
        "url": "https://a.example/",
        "eval_set": None,
        "eval_id": None,
    }
    rows = [
        base | {"stage": "documents", "kept": True, "reason": None, "value": None, "limit": None},
        base | {"stage": "text", "kept": False, "reason": "language", "value": "de", "limit": "en"},
        base | {"stage": "eval", "kept": False, "reason": "evaluation_copy", "value": "0.9",
                "limit": "0.6", "eval_set": "coco", "eval_id": "7"},
        base | {"stage": "eval", "url": "https://f.example/", "kept": True,
                "reason": "evaluation_copy", "value": "0.9", "limit": "0.6", "eval_set": "coco",
                "eval_id": "8"},
        base | {"stage": "text", "url": "https://b.example/", "kept": True, "reason": None,
                "value": None, "limit": None},
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
    return str(tmp_path / "out")


def test_the_story_of_a_url(tmp_path, capsys):
    output = decisions(tmp_path)
    assert main(["--output", output, "--find", "https://a.example/"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "dropped  language de (limit en)" in lines[1]
    assert "copy of coco/7" in lines[2]
    assert main(["--output", output, "--find", "https://a.example/", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[1])["reason"] == "language"


def test_the_story_of_what_is_only_flagged(tmp_path, capsys):
    assert main(["--output", decisions(tmp_path), "--find", "https://f.example/"]) == 0
    line = capsys.readouterr().out
    assert "kept  evaluation_copy 0.9 (limit 0.6)  copy of coco/8" in line


def test_a_story_goes_as_the_build_went(tmp_path, capsys):
    output = decisions(tmp_path)
    counts = [StageCount(name, "page", 2, 1) for name in ("text", "documents", "text", "eval")]
    manifest = Manifest("s", "r", "d", {}, [], [], [], counts, [])
    (tmp_path / "out" / "manifest.json").write_bytes(encode_manifest(manifest))
    assert main(["--output", output, "--find", "https://a.example/"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["text", "documents", "eval"]
    (tmp_path / "out" / "manifest.json").write_bytes(b"{}")
    assert main(["--output", output, "--find", "https://a.example/"]) == 0
    assert capsys.readouterr().out.startswith("documents")


def test_an_unknown_url_and_no_build(tmp_path, caplog):
    output = decisions(tmp_path)
    assert main(["--output", output, "--find", "https://c.example/"]) == 1
    assert "no decision names https://c.example/" in caplog.text
    assert main(["--output", str(tmp_path), "--find", "https://c.example/"]) == 1
    assert "is the build finished?" in caplog.text
    (tmp_path / "out" / "decisions" / "b.parquet").write_bytes(b"PAR1 no parquet")
    assert main(["--output", output, "--find", "https://a.example/"]) == 1


CUTS = """<html><head><title>Kites over the valley</title></head><body>
<nav class="menu"><a href="/">Home</a> <a href="/birds">All the birds</a></nav>
<article><h1>Kites over the valley</h1>
<p>The red kite soars over the valley in the early morning, and it hardly ever beats its wings.</p>
<img src="a.jpg" alt="A kite"><img src="up.gif" width="12" height="12" alt="">
<p>When the sun has warmed the slopes, the birds rise with the air and are lost to sight for hours,
and in the evening they come back to the old oaks by the river, where they have slept for years.</p>
<p>Advertisement</p>
<p>The young are fed until late in the summer, when they leave for the south by themselves, and most
of them are not seen again before the third spring, when they come to look for a place of their own.</p>
<h2>Related articles</h2><ul><li><a href="/1">Buzzards</a></li><li><a href="/2">Owls</a></li></ul>
<p class="hidden">This is seen by nobody at all who reads the page with his own two eyes.</p>
</article></body></html>"""


@pytest.fixture
def cut_page(tmp_path):
    path = tmp_path / "cuts.html"
    path.write_text(CUTS)
    return str(path)


def test_what_is_cut_stands_in_its_place_with_its_reason(cut_page, capsys):
    assert main([cut_page]) == 0
    lines = capsys.readouterr().out.splitlines()
    cut = [line for line in lines if line.startswith("- ")]
    assert cut[0].startswith('- [boilerplate <nav class="menu">] ')
    assert any(line.startswith("- [icon] ") and line.endswith("up.gif") for line in cut)
    assert "- [label of a template] Advertisement" in cut
    assert "- [section 'Related articles'] Buzzards" in cut
    assert any(line.startswith('- [hidden <p class="hidden">]') for line in cut)
    assert lines.index(cut[0]) < lines.index("heading     Kites over the valley")
    assert f"5 pieces kept, {len(cut)} cut (lines that begin with a minus)" in lines


def test_what_is_cut_as_json(cut_page, capsys):
    assert main([cut_page, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert {"what": "Advertisement", "why": "label of a template"} in row["cut"]
    kept = {block.get("text") or block["url"] for block in row["blocks"]}
    assert not kept & {piece["what"] for piece in row["cut"]}


def test_a_cut_is_red_on_a_terminal(cut_page, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main([cut_page]) == 0
    assert "\x1b[1;31m- [label of a template] Advertisement\x1b[0m" in capsys.readouterr().out


def test_what_is_no_page_is_told_from_one(tmp_path, capsys, caplog):
    for name, content in (("a.warc", b"WARC/1.0\r\n"), ("a.warc.gz", b"\x1f\x8b\x08")):
        path = tmp_path / name
        path.write_bytes(content)
        assert main([str(path)]) == 1
        assert f"{path}: a WARC or packed file, and no page" in caplog.text


def test_a_reader_that_has_seen_enough_is_no_error(cut_page):
    command = f"'{sys.executable}' -m pipeline.explain '{cut_page}' | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("url ")
    assert done.stderr == ""


def test_the_verdict_is_that_of_the_recipe(page, tmp_path, capsys, caplog):
    assert main([page, "--set", "gopher.min_words=1000"]) == 0
    assert "dropped: too_few_words " in capsys.readouterr().out
    assert main([page, "--recipe", "align", "--set", "gopher.min_words=1000"]) == 0
    assert "kept: no text filter" in capsys.readouterr().out  # pairs ask no more of a text
    (tmp_path / "words.txt").write_text("kite\nvalley\n")
    assert main([page, "--set", f"flagged.words_file={tmp_path / 'words.txt'}"]) == 0
    assert "dropped: flagged_words " in capsys.readouterr().out
    assert main([page, "--recipe", "nonesuch"]) == 2
    assert "--recipe nonesuch: no such recipe" in caplog.text


def test_paragraphs_that_a_rule_drops_are_cut(page, capsys):
    told = [
        "obelics.enabled=true",
        "obelics.paragraph.max_words=20",
        "obelics.document.min_words=1",
    ]
    assert main([page, *(word for one in told for word in ("--set", one))]) == 0
    cut = [line for line in capsys.readouterr().out.splitlines() if line.startswith("- ")]
    assert cut[-1].startswith("- [paragraph: too_many_words ")
    assert "] When the sun has warmed the slopes" in cut[-1]


def test_a_header_may_name_the_encoding(tmp_path, capsys):
    text = "Съешь же ещё этих мягких французских булок, да выпей чаю в старом саду у реки."
    path = tmp_path / "tea.html"
    path.write_bytes(f"<p>{text}</p>".encode("koi8-r"))
    assert main([str(path), "--content-type", "text/html; charset=koi8-r", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["blocks"][0]["text"] == text
    line = {"path": str(path), "content_type": "text/html; charset=koi8-r"}
    (tmp_path / "p.jsonl").write_text(json.dumps(line))
    assert main(["--pages", str(tmp_path / "p.jsonl")]) == 0
    assert json.loads(capsys.readouterr().out)["blocks"][0]["text"] == text


def test_several_pages_piece_by_piece(page, cut_page, tmp_path, capsys):
    assert main([page, cut_page]) == 0
    both = capsys.readouterr().out
    assert both.count("url       file://") == 2
    assert both.count("pieces kept") == 2
    (tmp_path / "p.jsonl").write_text("\n".join(json.dumps({"path": p}) for p in (page, cut_page)))
    assert main(["--pages", str(tmp_path / "p.jsonl"), "--text"]) == 0
    assert capsys.readouterr().out.strip() == both.strip()


def test_a_page_past_the_limits_has_the_reason_that_a_build_gives(tmp_path, capsys):
    path = tmp_path / "bomb.html"
    opened = "".join(f"<b a={number}>" for number in range(4000))
    path.write_text(f"<p>{opened}</p>" + "<p>x" * 4000)
    assert main([str(path)]) == 0
    assert "dropped: parse_error" in capsys.readouterr().out


def test_halves_of_characters_in_a_line_stop_no_others(page, tmp_path, capsys):
    odd = json.dumps({"path": page, "url": "http://a.example/\ud800"})
    (tmp_path / "p.jsonl").write_text(odd + "\n" + json.dumps({"path": page}))
    assert main(["--pages", str(tmp_path / "p.jsonl")]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["url"] == "http://a.example/?"
    assert second["path"] == page
