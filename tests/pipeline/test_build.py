"""The build command says in one line what is wrong, with the right exit code, and leaves nothing."""

import gzip
import json
import random
import re

import pytest

from pipeline.build import main
from pipeline.filters import perplexity

pytestmark = pytest.mark.beam

WARC_HEAD = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: %s\r\nContent-Type: application/http; msgtype=response\r\nWARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000001>\r\nWARC-Date: 2024-01-01T00:00:00Z\r\nContent-Length: %d\r\n\r\n"
SENTENCE = "The old ferry crosses the quiet lake with seven boxes of ripe apples number {}, and that is what people have come to see. "
PAGE = b"<html><title>T</title><body><article><h1>The ferry</h1>%s</article></body></html>"


def record(url, body, content_type=b"text/html"):
    http = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        content_type,
        len(body),
        body,
    )
    return gzip.compress(WARC_HEAD % (url, len(http)) + http + b"\r\n\r\n", mtime=0)


def page(number):
    paragraphs = "".join(f"<p>{SENTENCE.format(number * 10 + i)}</p>" for i in range(6))
    return PAGE % paragraphs.encode()


@pytest.fixture
def warc(tmp_path):
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(record(b"http://a.example/%d" % i, page(i)) for i in range(4)))
    return path


def run(capsys, *arguments):
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    return code, capsys.readouterr()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--runner=Dataflow"], "--runner=Dataflow needs --project"),
        (["--runner=DaskRunner"], "DaskRunner loses data silently"),
        (["--nonsense"], "unknown flag: --nonsense"),
        (["--set", "image.min_side=3"], "[image] unknown key min_side (did you mean min_side_px?)"),
        (["--set", "similarity.keep=0.3"], "similarity.keep below 1 needs a model"),
        (["--set", "clip.model=local-dir:/nowhere"], "/nowhere"),
        (["--workers", "many"], "argument --workers: invalid int value: 'many'"),
        (["--workers", "0"], "--workers must be at least 1, got 0"),
        (["--eval-index", "/nowhere.index"], "/nowhere.index"),
        (["--eval-index", "/"], "--eval-index /: cannot be read: Is a directory"),
        (["--runner=Bogus"], "--runner=Bogus: no such runner; possible are "),
    ],
)
def test_wrong_usage_is_one_line_and_2(capsys, tmp_path, warc, more, message):
    code, streams = run(
        capsys, "--recipe", "m3w", "--input", warc, "--output", tmp_path / "out", *more
    )
    assert code == 2
    assert message in streams.err
    assert len(streams.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_recipes_that_cannot_be_read(capsys, tmp_path, warc):
    broken = tmp_path / "broken.toml"
    broken.write_text("corpora = ['m3w'\n")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[image]\nmin_side_px = 0\n")
    for recipe, message in (
        ("nothing", "no such recipe (known: align, corpora"),
        (tmp_path / "none.toml", "none.toml: cannot be read"),
        (broken, "broken.toml: not TOML"),
        (wrong, "wrong.toml: [image] min_side_px must be at least 1, got 0"),
    ):
        code, streams = run(
            capsys, "--recipe", recipe, "--input", warc, "--output", tmp_path / "out"
        )
        assert (code, len(streams.err.splitlines())) == (2, 1)
        assert message in streams.err


def test_inputs_that_are_not_there_or_are_none(capsys, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "warc.paths").write_text("crawl-data/CC-MAIN-2024-10/none.warc.gz\n")
    (tmp_path / "wet.paths").write_text("crawl-data/CC-MAIN-2024-10/none.warc.wet.gz\n")
    wet = WARC_HEAD.replace(b"response", b"conversion") % (b"http://a.example/", 2)
    (tmp_path / "texts.warc.gz").write_bytes(gzip.compress(wet + b"hi\r\n\r\n"))
    for pattern, message in (
        (tmp_path / "no.warc.gz", "no such file or folder"),
        (tmp_path / "empty", "is empty"),
        (tmp_path / "warc.paths", "read.warc_base"),
        (tmp_path / "wet.paths", "give the WARC files they were made of"),
        (tmp_path / "texts.warc.gz", "give the WARC files they were made of"),
    ):
        code, streams = run(
            capsys, "--recipe", "m3w", "--input", pattern, "--output", tmp_path / "out"
        )
        assert (code, len(streams.err.splitlines())) == (2, 1)
        assert message in streams.err


def test_an_index_that_is_none(capsys, tmp_path, warc):
    (tmp_path / "x.index").write_bytes(b"nothing of the kind")
    code, streams = run(
        capsys,
        "--recipe",
        "m3w",
        "--input",
        warc,
        "--output",
        tmp_path / "out",
        "--eval-index",
        tmp_path / "x.index",
    )
    assert code == 2
    assert "x.index: not an evaluation index" in streams.err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.warc.gz", b"", "failed: the input holds no HTML page: PATH: damaged_record 1"),
        (
            "noise.warc.gz",
            b"no WARC" * 99,
            "damaged: PATH: at least 1 record lost: nothing of its 693 bytes can be read",
        ),
        (
            "nul.warc.gz",
            record(b"http://a.example/", bytes(4000)),
            "failed: no page of the input could be read: PATH: no_content 1",
        ),
        (
            "urls.txt",
            b"http://a.example/\n",
            "failed: no page of the input could be read: PATH: offline 1",
        ),
        ("site/a.bin", b"noise", "failed: the input holds no HTML page: PATH"),
    ],
)
def test_input_without_a_page_fails_and_publishes_nothing(capsys, tmp_path, name, content, message):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    given = path.parent if name.startswith("site") else path
    code, streams = run(
        capsys, "--recipe", "m3w", "--input", given, "--output", tmp_path / "out", "--offline"
    )
    assert code == 1
    assert message.replace("PATH", str(given)) in streams.err.splitlines()
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_an_output_that_cannot_be_written(capsys, tmp_path, warc, monkeypatch):
    arguments = ["--recipe", "m3w", "--input", warc, "--output"]
    code, streams = run(capsys, *arguments, warc)
    assert (code, streams.err) == (2, f"error: --output {warc}: is a file; a folder is wanted\n")
    code, streams = run(capsys, *arguments, warc / "out")
    assert code == 2
    assert f"--output {warc}/out: cannot be written: Not a directory" in streams.err
    code, streams = run(capsys, *arguments, "odd://a/b")
    assert (code, streams.err) == (2, "error: --output odd://a/b: nothing here opens odd://\n")

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pipeline.output.tempfile.TemporaryFile", refuse)
    code, streams = run(capsys, *arguments, tmp_path / "out")
    assert code == 2
    assert f"--output {tmp_path}/out: cannot be written: Permission denied" in streams.err


def test_a_build_that_keeps_no_page_says_so_and_where_to_look(capsys, tmp_path):
    path = tmp_path / "short.warc.gz"
    path.write_bytes(record(b"http://a.example/", b"<p>The cat is on the mat.</p>"))
    arguments = ["--recipe", "m3w", "--input", path, "--output", tmp_path / "out", "--offline"]
    for when in ("done in", "up to date"):
        code, streams = run(capsys, *arguments)
        assert code == 0
        *_, state, nothing, where = streams.err.splitlines()
        assert when in state
        assert nothing.startswith("no sample came out: ")
        assert "dropped 1 of 1 documents" in nothing
        assert f"{tmp_path}/out/report/index.html" in where
        assert re.search(r"^m3w +0 samples", streams.out, re.MULTILINE)


def test_damage_is_counted_and_the_rest_is_read(capsys, tmp_path):
    records = [record(b"http://a.example/%d" % i, page(i)) for i in range(4)]
    garbage = record(b"http://a.example/garbage", bytes(range(256)) * 40)
    path = tmp_path / "cut.warc.gz"
    path.write_bytes(records[0] + records[1][:-90] + b"".join(records[2:]) + garbage)
    code, streams = run(
        capsys,
        "--recipe",
        "m3w",
        "--input",
        path,
        "--output",
        tmp_path / "out",
        "--offline",
        "--set",
        "errors.parse_share=0.9",
    )
    assert code == 0
    first, end = len(records[0]), len(records[0] + records[1]) - 90
    (told,) = [line for line in streams.err.splitlines() if line.startswith("damaged: ")]
    assert told == (
        f"damaged: {path}: at least 1 record lost: bytes {first} to {end}"
        f" ({end - first} bytes); all else was read"
    )
    read = next(line for line in streams.out.splitlines() if line.startswith("read"))
    assert "damaged_record" in read
    assert int(read.split()[3]) >= 3


def test_a_list_of_files_and_a_base(capsys, tmp_path, warc):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "warc.paths").write_text("crawl-data/a.warc.gz\n")
    code, streams = run(
        capsys,
        "--recipe",
        "m3w",
        "--input",
        tmp_path / "lists" / "warc.paths",
        "--output",
        tmp_path / "out",
        "--offline",
        "--set",
        f"read.warc_base={tmp_path}",
    )
    assert code == 0
    read = next(line for line in streams.out.splitlines() if line.startswith("read"))
    assert read.split()[:4] == ["read", "page", "4", "4"]


def garbage(number):
    """Pages that no parser should see: torn bodies, bombs, noise, nothing, mislabelled files."""
    draw = random.Random(number)
    url = b"http://a.example/garbage/%d" % number
    noise = draw.randbytes(3000)
    made = [
        record(url, noise),
        record(url, b"<div>" * 20_000),
        record(url, b"<!--" + noise),
        record(url, b"\0" * 5000),
        record(url, gzip.compress(noise)[:-9]),
        record(url, b"<a " * 16_000),
        record(url, b"<p>" * 150_000),
        record(url, noise)[:-40],
        record(url, b"%PDF-1.7" + noise),
    ]
    return made[number % len(made)]


def build_of_garbage(capsys, tmp_path, share):
    path = tmp_path / "garbage.warc.gz"
    pages = [record(b"http://a.example/%d" % i, page(i)) for i in range(4)]
    path.write_bytes(b"".join([*pages[:2], *map(garbage, range(45)), *pages[2:]]))
    return run(
        capsys,
        "--recipe",
        "m3w",
        "--input",
        path,
        "--output",
        tmp_path / "out",
        "--offline",
        "--set",
        f"errors.parse_share={share}",
    )


def test_garbage_never_stops_a_build(capsys, tmp_path):
    code, streams = build_of_garbage(capsys, tmp_path, 1.0)
    assert code == 0, streams.err
    read = next(line for line in streams.out.splitlines() if line.startswith("read"))
    assert int(read.split()[2]) == 49
    for reason in ("damaged_record", "parse_error", "no_content", "not_html"):
        assert reason in read
    assert (tmp_path / "out" / "manifest.json").exists()


def test_a_share_of_garbage_past_the_bound_does_and_names_it(capsys, tmp_path):
    code, streams = build_of_garbage(capsys, tmp_path, 0.1)
    assert code == 1
    (line,) = [line for line in streams.err.splitlines() if line.startswith("failed")]
    assert "of 49 pages in error, more than the recipe's share of 0.1 (errors.parse_share)" in line
    examples = line.partition("(errors.parse_share): ")[2].split("; ")
    assert len(examples) == 3
    assert all(
        re.match(r"(damaged_record|parse_error|bad_encoding|no_content|empty_body) \S+", e)
        for e in examples
    )
    assert "Traceback" not in streams.err
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_too_many_errors_stop_the_build(capsys, tmp_path):
    path = tmp_path / "cut.warc.gz"
    path.write_bytes(
        record(b"http://a.example/0", page(0)) + record(b"http://a.example/1", page(1))[:-90]
    )
    code, streams = run(
        capsys,
        "--recipe",
        "m3w",
        "--input",
        path,
        "--output",
        tmp_path / "out",
        "--offline",
        "--set",
        "errors.parse_share=0.1",
    )
    assert code == 1
    assert "in error, more than the recipe's share of 0.1 (errors.parse_share)" in streams.err
    assert not (tmp_path / "out" / "manifest.json").exists()


KITES = """<h1>The kites</h1><p>When the sun has warmed the slopes, the birds rise with the air and are
lost to sight, as she wrote to anna@kites.example in her first letter.</p><p>Share this now</p><p>In the
evening they come back to the old oaks by the river, where they have slept for as long as we know.</p>"""


def test_obelics_rules_cut_paragraphs_and_personal_data_is_counted(capsys, tmp_path):
    path = tmp_path / "a.warc.gz"
    path.write_bytes(record(b"http://a.example/kites", PAGE % KITES.encode()))
    words = tmp_path / "common.txt"
    words.write_text("lost\n")
    arguments = ["--recipe", "obelics", "--input", path, "--output", tmp_path / "out", "--offline"]
    code, _ = run(capsys, *arguments)
    assert code == 0
    stages = {
        stage["name"]: stage
        for stage in json.loads((tmp_path / "out" / "manifest.json").read_text())["stages"]
    }
    assert stages["screen"]["replaced"] == {"email": 1}
    assert (stages["paragraphs"]["read"], stages["paragraphs"]["kept"]) == (5, 4)
    assert (stages["obelics"]["read"], stages["obelics"]["kept"]) == (1, 1)
    order = ["read", "screen", "newest", "text", "paragraphs", "obelics", "duplicates", "m3w"]
    assert [name for name in stages if name in order] == order
    code, streams = run(capsys, *arguments, "--set", f"obelics.common_words_file={words}")
    assert code == 0
    assert "uncommon_words 4" in streams.out
    assert "replaced email 1" in streams.out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["flagged.words_file=/nowhere.txt"], "the recipe names /nowhere.txt: No such file"),
        (["obelics.perplexity_model=/a"], "[obelics] perplexity_model and perplexity_pieces go"),
        (["obelics.perplexity_model=/a", "obelics.perplexity_pieces=/b"], "pip install kenlm"),
    ],
)
def test_files_that_a_recipe_names_must_be_there(
    capsys, tmp_path, warc, monkeypatch, more, message
):
    monkeypatch.setattr(perplexity, "find_spec", lambda name: None)
    settings = [word for one in more for word in ("--set", one)]
    output = tmp_path / "out"
    code, streams = run(
        capsys, "--recipe", "obelics", "--input", warc, "--output", output, "--offline", *settings
    )
    assert code == 2
    assert message in streams.err


def test_help_shows_an_example(capsys):
    code, streams = run(capsys, "--help")
    assert code == 0
    assert "example:" in streams.out
