"""Builds that fetch, against a server of this machine."""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from aiohttp import web

from pipeline.build import main
from pipeline.store.packs import read_packed
from schemas.keys import sha256_hex
from schemas.records import PackRef

pytestmark = pytest.mark.beam

HOME = Path(__file__).resolve().parents[2]
LOOSE = (
    *("--set", "fetch.allowed_private=['127.0.0.0/8']", "--set", "fetch.per_host_delay_s=0"),
    *("--set", "fetch.user_agent='test/0.1 (+http://127.0.0.1/)'", "--set", "fetch.retries=0"),
    *("--set", "language.min_probability=0", "--set", "gopher.min_words=1"),
    *("--set", "gopher.min_stop_words=0", "--set", "minhash.jaccard=1"),
)
WORDS = "the ferry of a quiet lake and seven boxes with ripe apples that people have come to see"


def rows_of(output):
    """The published rows of fetches, by URL."""
    paths = sorted((output / "fetches").glob("*.parquet"))
    return {row["url"]: row for path in paths for row in pq.read_table(path).to_pylist()}


def decided(output, stage):
    """The published decisions of a stage, by URL."""
    paths = sorted((output / "decisions").glob("*.parquet"))
    rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
    return {row["url"]: row for row in rows if row["stage"] == stage}


def build(capsys, output, urls, *more):
    listed = output.parent / "urls.txt"
    listed.write_text("\n".join(urls))
    code = main(["--recipe", "m3w", "--input", str(listed), "--output", str(output), *LOOSE, *more])
    return code, capsys.readouterr().err


def put_page(server, number, *images, head=""):
    """A page of its own that shows some images."""
    rng = random.Random(number)
    parts = [
        f"<p>{' '.join(rng.sample(WORDS.split(), 15)).capitalize()} {number}.</p><img src='{url}'>"
        for url in images
    ]
    html = f"<html><head><title>{number}</title>{head}</head><article>{''.join(parts)}</article>"
    return server.say(f"/p/{number}", html.encode(), Content_Type="text/html")


def photo(number, side=100):
    import io

    from PIL import Image

    colours = random.Random(number).randbytes(3 * 5 * 5)
    stream = io.BytesIO()
    Image.frombytes("RGB", (5, 5), colours).resize((side, side)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def crawl(server, tmp_path, capsys):
    """Six images on two pages, one of each fate, and a third page that opts out."""
    server.say("/good.jpg", photo(1))
    server.say("/small.jpg", photo(2, 40))
    server.say("/page.jpg", b"<html>not found, with a 200</html>")
    server.say("/not.jpg", photo(3), X_Robots_Tag="noai")
    server.say("/busy.jpg", b"", 500)
    server.say("/listed/a.jpg", photo(4))
    urls = [
        put_page(server, 1, "/good.jpg", "/small.jpg", "/page.jpg"),
        put_page(server, 2, "/not.jpg", "/busy.jpg", "/listed/a.jpg"),
        put_page(server, 3, "/good.jpg", head='<meta name="robots" content="noai">'),
    ]
    (tmp_path / "who.txt").write_text(f"{server.url('/listed/')}*\n")
    lists = ("--set", f"fetch.opt_out_files=['{tmp_path / 'who.txt'}']")

    def run(*more):
        return build(capsys, tmp_path / "out", urls, *lists, *more)

    return tmp_path / "out", run


def test_every_url_has_a_row_and_every_refusal_a_reason(server, crawl):
    output, run = crawl
    assert run()[0] == 0
    rows = rows_of(output)
    reasons = {url.removeprefix(server.url("")): row["reason"] for url, row in rows.items()}
    assert reasons == {
        "/p/1": None,
        "/p/2": None,
        "/p/3": "opt_out",
        "/good.jpg": None,
        "/small.jpg": "too_small",
        "/page.jpg": "not_media",
        "/not.jpg": "opt_out",
        "/busy.jpg": "http_status",
        "/listed/a.jpg": "opt_out",
    }
    good = rows[server.url("/good.jpg")]
    ref = PackRef(**good["ref"])
    assert read_packed(f"{output}/work", ref) == photo(1)
    assert ref.sha256 == sha256_hex(photo(1))
    assert (good["status"], good["bytes"], good["width"]) == (200, len(photo(1)), 100)
    small = rows[server.url("/small.jpg")]
    assert (small["value"], small["limit"], small["detail"]) == (40, 64, "40 x 40 px")
    assert rows[server.url("/listed/a.jpg")]["source"] == ""
    assert "/listed/a.jpg" not in server.paths()
    manifest = json.loads((output / "manifest.json").read_text())
    counts = {c["name"]: c for c in manifest["stages"]}
    assert counts["fetch"]["rejected"] == {
        "http_status": 1, "not_media": 1, "opt_out": 2, "too_small": 1,
    }  # fmt: skip
    assert counts["read"]["rejected"] == {"opt_out": 1}


@pytest.mark.slow
def test_listed_bytes_are_not_kept_and_are_asked_for_again_once_no_list_has_them(
    server, crawl, tmp_path
):
    output, run = crawl
    (tmp_path / "known.txt").write_text(sha256_hex(photo(1)))
    lists = ("--set", f"unsafe.hash_lists=['{tmp_path / 'known.txt'}']")
    assert run(*lists)[0] == 0
    good = rows_of(output)[server.url("/good.jpg")]
    assert (good["reason"], good["detail"]) == ("listed_hash", f"sha256 {sha256_hex(photo(1))}")
    assert good["ref"] is None
    packs = list((output / "work").rglob("*.tar"))
    assert not any(photo(1) in pack.read_bytes() for pack in packs)
    assert run(*lists, "--set", "fetch.connections=32")[0] == 0
    assert server.paths().count("/good.jpg") == 1
    (tmp_path / "known.txt").write_text("# none\n")
    assert run(*lists)[0] == 0
    assert server.paths().count("/good.jpg") == 2
    assert rows_of(output)[server.url("/good.jpg")]["reason"] is None
    # Now its bytes are there: a list that has them later keeps them from being decoded.
    (tmp_path / "known.txt").write_text(f"{sha256_hex(photo(1))}  # known since\n")
    assert run(*lists)[0] == 0
    row = decided(output, "decode")[server.url("/good.jpg")]
    assert (row["kept"], row["reason"]) == (False, "listed_hash")
    assert server.paths().count("/good.jpg") == 2


@pytest.mark.slow
def test_once_ever_whatever_becomes_of_the_recipe(server, crawl):
    output, run = crawl
    run()
    asked = Counter(server.paths())
    assert set(asked.values()) == {1}
    before = decided(output, "fetch")
    assert run("--set", "fetch.connections=32")[0] == 0  # runs the stages of fetching anew
    assert Counter(server.paths()) == asked
    assert decided(output, "fetch") == before
    # What the recipe itself judges is judged anew: the small image is wanted now, and only it.
    assert run("--set", "image.min_side_px=32")[0] == 0
    assert Counter(server.paths()) - asked == {"/small.jpg": 1}
    assert decided(output, "fetch")[server.url("/small.jpg")]["kept"]
    # And unwanted again, though its bytes are there.
    assert run()[0] == 0
    assert Counter(server.paths()) - asked == {"/small.jpg": 1}
    assert decided(output, "fetch") == before
    assert run("--offline")[0] == 0
    assert Counter(server.paths()) - asked == {"/small.jpg": 1}


def test_failures_are_fetched_again_when_told(server, crawl):
    output, run = crawl
    run()
    server.asked.clear()
    server.say("/busy.jpg", photo(5))
    assert run()[0] == 0
    assert server.asked == []
    code, told = run("--retry", "http_status,timeout")
    assert code == 0
    assert "retry: http_status: 1 image\n" in told
    assert "retry: timeout: nothing failed for it\n" in told
    assert server.paths() == ["/busy.jpg"]
    assert decided(output, "fetch")[server.url("/busy.jpg")]["kept"]
    assert rows_of(output)[server.url("/busy.jpg")]["reason"] is None
    assert run()[0] == 0
    assert server.paths() == ["/busy.jpg"]


def test_a_page_that_opted_out_may_be_kept_by_recipe(server, crawl):
    output, run = crawl
    assert run("--set", "fetch.opt_out_words=[]")[0] == 0
    assert rows_of(output)[server.url("/p/3")]["reason"] is None
    assert rows_of(output)[server.url("/not.jpg")]["reason"] is None


def test_media_may_lie_in_files_already(server, crawl, tmp_path):
    """What a map names is never asked for; a file that is not there is a reason."""
    output, run = crawl
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "1").write_bytes(photo(9))
    rows = [f"{server.url('/good.jpg')},here/1", f"{server.url('/busy.jpg')},here/2"]
    (tmp_path / "map.csv").write_text("\n".join(["url,path", *rows]))
    assert run("--set", f"fetch.url_map={tmp_path / 'map.csv'}")[0] == 0
    found = rows_of(output)
    assert found[server.url("/good.jpg")]["source"] == "input"
    assert found[server.url("/good.jpg")]["ref"]["sha256"] == sha256_hex(photo(9))
    assert found[server.url("/busy.jpg")]["reason"] == "damaged_record"
    assert not {"/good.jpg", "/busy.jpg"} & set(server.paths())
    code, told = run("--set", f"fetch.url_map={tmp_path / 'who.txt'}")
    assert code == 2
    assert "fetch.url_map" in told


@pytest.mark.parametrize("reasons", ["timeot", "timeout,offline", "", ","])
def test_reasons_that_no_fetch_fails_for_are_refused(tmp_path, capsys, reasons):
    code, told = build(capsys, tmp_path / "out", ["http://127.0.0.1/"], "--retry", reasons)
    assert code == 2
    assert "known: timeout, connection, unresolved_host, http_status, not_found" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_builds_killed_while_they_fetch():
    """A small run of the benchmark: nothing torn, the output equal, little fetched twice."""
    script = HOME / "tests" / "benchmarks" / "fetch_kills.py"
    arguments = ["--kills", "2", "--kills-per-trial", "2", "--images", "300", "--hosts", "8"]
    done = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, cwd=HOME
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["kills_landed"] >= 2
    assert result["torn_packs"] == 0
    assert result["outputs_equal"] == result["trials"]
    assert result["share_fetched_twice"] <= 0.05


@pytest.mark.shared
@pytest.mark.slow
def test_a_real_site_crawled_from_a_list(server, tmp_path, capsys, shared_data):
    """Every image that its pages show is in a pack, byte for byte, or has its reason."""
    site = shared_data / "site-gimp-help"
    files = {f"/{path.relative_to(site)}": path for path in site.rglob("*") if path.is_file()}

    async def answer(request):
        return web.FileResponse(files[request.path])

    for path in files:
        server.do(path, answer)
    pages = [server.url(path) for path in sorted(files) if path.endswith(".html")]
    code, told = build(capsys, tmp_path / "out", pages, "--set", "gopher.min_alphabetic_words=0")
    assert code == 0, told
    rows = rows_of(tmp_path / "out")
    images = {url: row for url, row in rows.items() if row["kind"] == "image"}
    assert len(images) > 400
    for url, row in images.items():
        if row["reason"] is None:
            content = read_packed(str(tmp_path / "out" / "work"), PackRef(**row["ref"]))
            assert content == files[url.removeprefix(server.url(""))].read_bytes()
        else:
            assert row["reason"] in {"not_found", "too_small", "aspect", "format", "url_words"}, row
    asked = {path for path in server.paths() if not path.endswith(".html")}
    assert asked == {
        url.removeprefix(server.url("")) for url, row in images.items() if row["source"] == "web"
    }
