"""URLs asked for once: what the ledger knows is not asked for again, until it is to be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import apache_beam as beam
import pytest

from pipeline.corpora.retry import ask_again
from pipeline.media.image import ImageLimits
from pipeline.stages.asking import AskWeb, Wanted, lane_of, make_asking
from pipeline.stages.beam_files import FILES
from pipeline.stages.tables import WriteTable, read_rows
from pipeline.store.ledger import LEDGER, read_retries
from pipeline.store.packs import read_packed
from schemas.tables import FetchRow

IMAGES = ImageLimits()


def test_a_host_keeps_to_one_lane():
    assert lane_of("http://A.example/1", 64) == lane_of("https://a.example/2?x", 64)
    assert len({lane_of(f"http://{i}.example/", 64) for i in range(200)}) > 40


def ask(root, urls, limits, kind="video", now=None, **options):
    """The row of each URL, by one run of the transform."""
    out = f"{root}/out-{datetime.now().timestamp()}"
    asking = make_asking(f"{root}/work", limits, IMAGES, now or datetime.now(UTC))
    settings = beam.options.pipeline_options.PipelineOptions(runner="FnApiRunner", **options)
    with beam.Pipeline(options=settings) as pipeline:
        rows = pipeline | beam.Create([Wanted(url, kind) for url in urls]) | AskWeb(asking)
        _ = rows | WriteTable(FetchRow, out, "", "rows")
    files = [path for path in FILES.list(out) if path.endswith(".parquet")]
    return {row.url: row for path in files for row in read_rows(path, FetchRow)}


@pytest.mark.beam
def test_once_within_the_age_and_failures_too(server, limits, tmp_path):
    found, gone = server.say("/a.mp4", b"film"), server.url("/gone")
    first = ask(tmp_path, [found, gone], limits)
    assert read_packed(f"{tmp_path}/work", first[found].ref) == b"film"
    assert (first[gone].reason, first[gone].value, first[gone].status) == ("not_found", 404, 404)
    assert (first[found].bytes, first[found].wire_bytes, first[found].source) == (4, 4, "web")
    assert first[found].time[:4] == str(datetime.now(UTC).year)
    asked = len(server.asked)
    assert ask(tmp_path, [found, gone], limits) == first
    assert ask(tmp_path, [found, gone], replace(limits, offline=True)) == first
    assert len(server.asked) == asked
    later = datetime.now(UTC) + timedelta(days=31)
    again = ask(tmp_path, [found, gone], limits, now=later)
    assert sorted(server.paths()) == ["/a.mp4", "/a.mp4", "/gone", "/gone"]
    assert again[found].ref.sha256 == first[found].ref.sha256


@pytest.mark.beam
def test_failures_are_asked_again_by_their_reason(server, limits, tmp_path):
    urls = [server.url("/gone"), server.say("/busy", status=403), server.say("/a.mp4", b"film")]
    ask(tmp_path, urls, limits)
    server.asked.clear()
    server.say("/gone", b"back")
    lines = ask_again(f"{tmp_path}/work", ["not_found", "timeout"], datetime.now(UTC))
    assert lines == ["retry: not_found: 1 video", "retry: timeout: nothing failed for it"]
    rows = ask(tmp_path, urls, limits)
    assert server.paths() == ["/gone"]
    assert [rows[url].reason for url in urls] == [None, "http_status", None]
    ask(tmp_path, urls, limits)
    assert server.paths() == ["/gone"]
    assert ask_again(f"{tmp_path}/work", ["timeout"], datetime.now(UTC)) == [
        "retry: timeout: nothing failed for it"
    ]
    assert len(read_retries(f"{tmp_path}/work")) == 1


@pytest.mark.beam
def test_bundles_that_run_twice_do_no_harm(server, limits, tmp_path):
    urls = [server.say(f"/{n}.mp4", b"%d" % n) for n in range(5)]
    rows = ask(tmp_path, urls, limits, direct_runner_bundle_repeat=1)
    assert [read_packed(f"{tmp_path}/work", rows[url].ref) for url in urls] == [
        b"%d" % n for n in range(5)
    ]


@pytest.mark.beam
def test_what_a_killed_build_left_is_cleared_away(server, limits, tmp_path):
    url = server.say("/a.mp4", b"film")
    before = ask(tmp_path, [url], limits)
    packs = tmp_path / "work" / LEDGER / "packs"
    (packs / "0123-000.tar").write_bytes(b"whole, but no row speaks of it")
    (packs / "4567-000.tar.part").write_bytes(b"torn")
    assert ask(tmp_path, [url], limits) == before
    assert [f"media/packs/{path.name}" for path in packs.iterdir()] == [before[url].ref.pack]


@pytest.mark.beam
def test_hosts_are_waited_for_side_by_side(many_servers, limits, tmp_path):
    urls = []
    for site in many_servers:
        site.say("/robots.txt", b"User-agent: *\nCrawl-delay: 0.3")
        urls += [site.say(f"/{n}.mp4", site.host.encode()) for n in range(4)]
    loose = replace(limits, allowed_private=("127.0.0.0/8",), respect_tdm=False)
    rows = ask(tmp_path, urls, loose)
    assert {row.reason for row in rows.values()} == {None}
    times = [[when for when, _ in site.asked] for site in many_servers]
    assert max(one[0] for one in times) < min(one[-1] for one in times)
    assert all(later - sooner > 0.25 for one in times for sooner, later in pairwise(one[1:]))
