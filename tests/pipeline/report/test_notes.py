from dataclasses import replace

from pipeline.report.notes import notes_of
from pipeline.report.verdicts import read_verdicts
from schemas.manifest import StageCount


def notes(output, files, manifest):
    return list(notes_of(manifest, read_verdicts(output.path, files), [], []))


def test_where_everything_fits_there_is_nothing_to_say(output, files):
    assert notes(output, files, output.manifest) == []


def test_decisions_that_differ_from_the_manifest_are_said(output, files):
    stages = [StageCount("copies", "image", 6, 4, {"evaluation_copy": 2})]
    (note,) = notes(output, files, replace(output.manifest, stages=stages))
    assert note == (
        "bad",
        "Stage copies, images: the decisions table and the manifest count differently.",
    )


def test_items_unaccounted_for_are_said(output, files):
    stages = [StageCount("copies", "image", 7, 3, {"evaluation_copy": 2})]
    found = notes(output, files, replace(output.manifest, stages=stages))
    assert found == [("bad", "Stage copies, images: 2 of 7 items are unaccounted for.")]


def test_what_was_not_done_is_said(output, files):
    stages = output.manifest.stages[:2]
    recipe = {"corpora": ["m3w", "vtp"]}
    manifest = replace(output.manifest, stages=stages, models=[], recipe=recipe)
    found = notes(output, files, manifest)
    assert [kind for kind, _ in found] == ["note"] * 3
    text = " ".join(words for _, words in found)
    assert "No evaluation index" in text
    assert "No CLIP model" in text
    assert "asks for vtp" in text
