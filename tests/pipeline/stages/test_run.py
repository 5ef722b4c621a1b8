"""A stage runs once, leaves its record last, and is found again."""

import json
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.stages.run import Outputs, Stage, Work, code_digest
from pipeline.stages.tables import read_rows
from pipeline.stages.verdicts import Keep, Subject, came_in
from schemas.manifest import StageCount
from schemas.records import Capture
from schemas.rejection import Reason, Why
from schemas.tables import Decision

pytestmark = pytest.mark.beam

CAPTURES = [Capture(f"http://a/{i}.jpg", "a.warc", i) for i in range(10)]
SUBJECT = Subject("small", "image", lambda c: f"{c.offset:032x}", lambda c: c.url)


def judge(capture, least):
    return None if capture.offset >= least else Why(Reason.TOO_SMALL, capture.offset, least)


def source(pipeline, work, place):
    return Outputs({"captures": (Capture, pipeline | beam.Create(CAPTURES))})


def filter_with(least):
    def expand(pipeline, work, place):
        captures = work.table(pipeline, "source", "captures", Capture)
        out = captures | Keep(SUBJECT, lambda capture: judge(capture, least))
        read = came_in(captures, SUBJECT)
        return Outputs({"captures": (Capture, out.kept)}, (out.decisions,), (read,))

    return expand


def work_in(folder, *flags):
    return Work(str(folder), "code", PipelineOptions([*flags, "--runner=FnApiRunner"]))


def stages(least):
    return [
        Stage("source", (), (), source),
        Stage("small", (least,), ("source",), filter_with(least)),
    ]


def offsets(work, result):
    paths = [f"{work.root}/{path}" for path in result.tables["captures"]]
    return sorted(row.offset for path in paths for row in read_rows(path, Capture))


def test_replacements_are_summed_by_stage_and_kind(tmp_path):
    def expand(pipeline, work, place):
        del work, place
        items = pipeline | beam.Create([2, 3])
        email = items | "E" >> beam.Map(lambda n: (("one", "document", "email"), n))
        phone = items | "P" >> beam.Map(lambda n: (("one", "document", "phone"), 1))
        read = items | "R" >> beam.Map(lambda n: ("one", "document"))
        return Outputs({}, (), (read,), (email, phone))

    work = work_in(tmp_path)
    result, _ = work.run(Stage("one", (), (), expand))
    assert result.counts == [StageCount("one", "document", 2, 0, {}, {"email": 5, "phone": 2})]


def test_counts_come_in_the_order_in_which_items_are_judged(tmp_path):
    def expand(pipeline, work, place):
        del work, place
        items = pipeline | beam.Create([1, 2])
        first = items | "Z" >> beam.Map(lambda n: ("zeroth", "document"))
        then = items | "A" >> beam.FlatMap(lambda n: [("all", "image"), ("all", "page")] * n)
        more = items | "M" >> beam.Map(lambda n: ("all", "video"))
        return Outputs({}, (), (first, then, more))

    result, _ = work_in(tmp_path).run(Stage("one", (), (), expand))
    assert [(count.name, count.kind, count.read) for count in result.counts] == [
        ("zeroth", "document", 2), ("all", "image", 3), ("all", "page", 3), ("all", "video", 2),
    ]  # fmt: skip


def test_a_stage_runs_once_and_counts(tmp_path):
    work = work_in(tmp_path)
    results = [work.run(stage) for stage in stages(4)]
    assert [ran for _, ran in results] == [True, True]
    result = results[1][0]
    assert result.counts == [StageCount("small", "image", 10, 6, {"too_small": 4})]
    assert result.counts[0].adds_up
    assert offsets(work, result) == [4, 5, 6, 7, 8, 9]
    (path,) = result.tables["decisions"]
    decisions = list(read_rows(f"{tmp_path}/{path}", Decision))
    assert [d.kept for d in decisions] == [False] * 4 + [True] * 6
    assert decisions[3] == Decision(
        "small",
        "image",
        f"{3:032x}",
        "http://a/3.jpg",
        kept=False,
        reason="too_small",
        value=3.0,
        limit=4.0,
    )

    again = work_in(tmp_path)
    assert [again.run(stage)[1] for stage in stages(4)] == [False, False]
    assert again.results["small"] == result


def test_a_changed_limit_runs_only_what_depends_on_it(tmp_path):
    work = work_in(tmp_path)
    for stage in stages(4):
        work.run(stage)
    again = work_in(tmp_path)
    assert [again.run(stage)[1] for stage in stages(5)] == [False, True]
    assert again.results["small"].counts[0].kept == 5


def test_an_unfinished_stage_is_thrown_away_and_run_again(tmp_path):
    work = work_in(tmp_path)
    first = [work.run(stage)[0] for stage in stages(4)][1]
    folder = tmp_path / first.folder
    (folder / "stage.json").unlink()
    (folder / "captures" / "torn.parquet").write_bytes(b"PAR1 torn")
    again = work_in(tmp_path)
    second = [again.run(stage) for stage in stages(4)][1]
    assert second[1]
    assert second[0].counts == first.counts
    assert not (folder / "captures" / "torn.parquet").exists()


def test_bundles_that_run_again_change_nothing(tmp_path):
    once, thrice = (
        work_in(tmp_path / "1"),
        work_in(tmp_path / "3", "--direct_runner_bundle_repeat=2"),
    )
    results = [[work.run(stage)[0] for stage in stages(4)][1] for work in (once, thrice)]
    assert results[0].counts == results[1].counts
    assert offsets(once, results[0]) == offsets(thrice, results[1])
    decisions = [
        (w.root, r.tables["decisions"][0]) for w, r in zip((once, thrice), results, strict=True)
    ]
    one, three = (Path(root, path).read_bytes() for root, path in decisions)
    assert one == three
    files = list((tmp_path / "3" / results[1].folder / "captures").iterdir())
    assert len(files) == len(results[1].tables["captures"])


def test_items_that_vanish_do_not_add_up(tmp_path):
    def expand(pipeline, work, place):
        captures = work.table(pipeline, "source", "captures", Capture)
        out = captures | Keep(SUBJECT, lambda capture: None)
        lossy = out.decisions | beam.Filter(lambda d: d.url != "http://a/3.jpg")
        return Outputs({}, (lossy,), (came_in(captures, SUBJECT),))

    work = work_in(tmp_path)
    work.run(stages(4)[0])
    result, _ = work.run(Stage("small", (), ("source",), expand))
    assert result.counts == [StageCount("small", "image", 10, 9, {})]
    assert not result.counts[0].adds_up


def test_the_record_is_json(tmp_path):
    work = work_in(tmp_path)
    result, _ = work.run(stages(4)[0])
    tree = json.loads((tmp_path / result.folder / "stage.json").read_text())
    assert tree["rows"] == {"captures": 10}
    assert work.rows("source", "captures") == 10
    assert work.rows("source", "nothing") == 0


def test_the_code_has_a_digest():
    assert code_digest() == code_digest()
    assert len(code_digest()) == 32
