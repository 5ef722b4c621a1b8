"""The whole path on a small made-up web: pages in, shards out, the same bytes each time."""

import gc
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dedup.build_index import main as build_index
from model.clip import load_clip
from model.placement import assign
from model.weights.locate import TINY_CLIP
from pipeline.build import main as build
from pipeline.output import claim_output
from pipeline.sample_web.__main__ import main as sample_web
from schemas.tar import read_tar

pytestmark = [pytest.mark.beam, pytest.mark.slow]

PAGES = 40


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    assert sample_web(["--output", str(folder), "--pages", str(PAGES), "--seed", "5"]) == 0
    index = folder / "evaluation.index"
    assert (
        build_index(["--set", f"made-up={folder}/evaluation/images", "--output", str(index)]) == 0
    )
    return folder


def arguments(web, output, *more):
    return [
        "--recipe", "tiny", "--input", f"{web}/web.warc.gz", "--offline",
        "--eval-index", f"{web}/evaluation.index", "--output", str(output), *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def built(web, tmp_path_factory):
    output = tmp_path_factory.mktemp("built") / "out"
    assert build(arguments(web, output)) == 0
    return output


@pytest.fixture(scope="module")
def manifest(built):
    return json.loads((built / "manifest.json").read_text())


@pytest.fixture(scope="module")
def truth(web):
    return [json.loads(line) for line in (web / "truth.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def decisions(built):
    tables = [pq.read_table(path) for path in sorted((built / "decisions").glob("*.parquet"))]
    return [row for table in tables for row in table.to_pylist()]


def digests(output):
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for corpus in ("m3w", "align", "ltip", "vtp")
        for path in sorted((output / corpus).glob("*"))
    }


def samples_of(output, corpus):
    """The samples of a corpus: members by the part of their name behind the key."""
    samples = {}
    for path in sorted((output / corpus).glob("*.tar")):
        with path.open("rb") as stream:
            for member in read_tar(stream):
                key, _, name = member.name.partition(".")
                samples.setdefault(key, {})[name] = member.content
    return samples


def sequences(output):
    return [json.loads(sample["json"]) for sample in samples_of(output, "m3w").values()]


def test_all_four_corpora_are_there(built, manifest):
    samples = Counter()
    for shard in manifest["shards"]:
        path = built / shard["path"]
        samples[shard["corpus"]] += shard["samples"]
        assert path.stat().st_size == shard["bytes"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == shard["sha256"]
        assert pq.read_metadata(path.with_suffix(".parquet")).num_rows == shard["samples"]
    assert all(samples[corpus] > 0 for corpus in ("m3w", "align", "ltip", "vtp"))
    assert samples["m3w"] >= 0.6 * PAGES


def test_every_item_is_accounted_for(manifest, decisions):
    counted = Counter((row["stage"], row["kind"], row["kept"]) for row in decisions)
    assert manifest["stages"]
    for stage in manifest["stages"]:
        assert stage["read"] == stage["kept"] + sum(stage["rejected"].values())
        assert counted[stage["name"], stage["kind"], True] == stage["kept"]
        assert counted[stage["name"], stage["kind"], False] == sum(stage["rejected"].values())


def test_every_page_is_a_sequence_or_has_a_reason(built, truth, decisions):
    kept = {sequence["url"] for sequence in sequences(built)}
    rejected = {
        row["url"] for row in decisions if not row["kept"] and row["kind"] in {"page", "document"}
    }
    for page in truth:
        assert (page["url"] in kept) != (page["url"] in rejected), page["url"]


def test_spam_and_foreign_pages_are_out_and_good_ones_in(built, truth):
    kept = {sequence["url"] for sequence in sequences(built)}
    for page in truth:
        if page["expect"] in {"spam", "foreign", "too_short", "no_media"}:
            assert page["url"] not in kept
    twins = {page["duplicate_of"] for page in truth}
    good = [page["url"] for page in truth if page["expect"] == "kept" and page["url"] not in twins]
    assert sum(url in kept for url in good) >= 0.95 * len(good)


def test_near_duplicates_leave_one(built, truth):
    kept = {sequence["url"] for sequence in sequences(built)}
    twins = [(page["url"], page["duplicate_of"]) for page in truth if page["duplicate_of"]]
    assert twins
    assert all(len(kept & set(pair)) == 1 for pair in twins)


def test_no_planted_copy_survives(built, truth):
    images = [image for page in truth for image in page["images"] if image["copy_of"]]
    copies = {image["sha256"] for image in images}
    assert copies
    kept = {
        part["sha256"] for s in sequences(built) for part in s["parts"] if part["kind"] == "image"
    }
    assert not copies & kept


def test_images_stand_where_the_page_had_them(built, truth):
    pages = {page["url"]: page for page in truth}
    right = total = 0
    for sequence in sequences(built):
        content = pages[sequence["url"]]["content"]
        order = [item["url"] for item in content if item["kind"] == "image"]
        found = [part["url"] for part in sequence["parts"] if part["kind"] == "image"]
        places = [order.index(url) for url in found if url in order]
        total += 1
        right += places == sorted(places) and len(places) == len(found)
    assert right >= 0.95 * total


def test_captions_of_other_images_are_out_and_true_ones_stay(truth, decisions):
    wrong = {image["url"] for page in truth for image in page["images"] if image["mismatched"]}
    pairs = [row for row in decisions if row["stage"] in {"align_similarity", "ltip_similarity"}]
    fates = Counter((row["url"] in wrong, row["kept"]) for row in pairs)
    assert fates[True, False] >= 0.95 * (fates[True, True] + fates[True, False])
    assert fates[False, False] <= 0.07 * (fates[False, True] + fates[False, False])


def test_scores_are_stored_for_every_sentence(built):
    for sequence in sequences(built):
        spans = sum(len(part["sentences"]) for part in sequence["parts"] if part["kind"] == "text")
        for part in sequence["parts"]:
            if part["kind"] == "image":
                assert len(part["scores"]) == spans
                assert all(-1 <= score <= 1 for score in part["scores"])


def test_a_second_run_does_nothing_and_says_so(web, built, capsys):
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*") if path.is_file()}
    assert build(arguments(web, built)) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert before == {path: path.stat().st_mtime_ns for path in built.rglob("*") if path.is_file()}


def test_a_finished_output_needs_no_writing(web, built, monkeypatch, capsys):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pipeline.output.tempfile.TemporaryFile", refuse)
    assert build(arguments(web, built)) == 0
    assert "nothing to do" in capsys.readouterr().err


def test_damaged_files_are_made_anew(web, built, tmp_path, capsys):
    output = tmp_path / "out"
    shutil.copytree(built, output)
    shard = output / "m3w" / "m3w-000000.tar"
    (stage,) = output.glob("work/m3w-*")
    # A published file is a second name of the stage's: what overwrites one overwrites both.
    changed = bytearray(shard.read_bytes())
    changed[len(changed) // 2] ^= 1
    shard.write_bytes(changed)
    next(stage.rglob("*.tar")).write_bytes(changed)
    (output / "align" / "align-000000.tar").write_bytes(b"")
    (output / "README.md").unlink()
    assert build(arguments(web, output)) == 0
    told = capsys.readouterr().err
    assert f"damaged: {shard} is not as it was written" in told
    assert f"damaged: {output}/align/align-000000.tar is not as it was written" in told
    assert f"damaged: {output}/README.md is gone" in told
    assert digests(output) == digests(built)
    assert (output / "README.md").read_bytes() == (built / "README.md").read_bytes()
    assert build(arguments(web, output)) == 0
    assert "nothing to do" in capsys.readouterr().err


def test_an_output_that_another_build_writes_to_is_left_alone(web, tmp_path, capsys):
    with claim_output(str(tmp_path / "out")):
        assert build(arguments(web, tmp_path / "out")) == 1
    told = capsys.readouterr().err
    assert told == (
        f"failed: {tmp_path}/out: another build writes to it (process {os.getpid()}); "
        "wait for it, or stop it\n"
    )


def test_two_quiet_workers_make_the_same_bytes(web, built, tmp_path, capfd):
    assert build(arguments(web, tmp_path / "out", "--workers", "2")) == 0
    assert digests(tmp_path / "out") == digests(built)
    one, two = ((output / "manifest.json").read_bytes() for output in (built, tmp_path / "out"))
    assert one == two
    told = capfd.readouterr().err.splitlines()
    assert told[-1].startswith("done in ")
    stages = [path.parent.name.rpartition("-")[0] for path in built.glob("work/*/stage.json")]
    assert sorted(line.split()[0] for line in told[:-1]) == sorted(stages)


def test_bundles_that_run_twice_make_the_same_bytes(web, built, tmp_path):
    assert build(arguments(web, tmp_path / "out", "--direct_runner_bundle_repeat=1")) == 0
    assert digests(tmp_path / "out") == digests(built)


def test_a_killed_build_goes_on_to_the_same_bytes(web, built, tmp_path):
    output = tmp_path / "out"
    command = [sys.executable, "-m", "pipeline.build", *arguments(web, output)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and not list(output.glob("work/decode-*")):
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    assert not (output / "manifest.json").exists()
    assert not list(output.glob("m3w/*"))
    finished = {
        path.parent.name: path.stat().st_mtime_ns for path in output.glob("work/*/stage.json")
    }
    assert finished
    assert build(arguments(web, output)) == 0
    assert digests(output) == digests(built)
    for folder, stamp in finished.items():
        assert (output / "work" / folder / "stage.json").stat().st_mtime_ns == stamp


def test_a_changed_threshold_reruns_only_what_depends_on_it(web, built, tmp_path, capsys):
    output = tmp_path / "out"
    shutil.copytree(built, output)
    assert build(["--output", str(output), "--set", "similarity.keep=0.5"]) == 0
    told = capsys.readouterr()
    assert "what changes with similarity.keep 0.93 -> 0.5:" in told.out
    assert re.search(r"align +\d+ -> \d+ samples: 0 enter, \d+ leave; least score", told.out)
    progress = {
        line.split()[0]: "kept" in line.split()[:2]
        for line in told.err.splitlines()
        if line and line[0].isalpha()
    }
    assert progress["embed"]
    assert progress["m3w"]
    assert not progress["align"]
    less = json.loads((output / "manifest.json").read_text())
    kept = next(stage["kept"] for stage in less["stages"] if stage["name"] == "align")
    assert less["pools"]["align"]["scored"] == kept
    anew = tmp_path / "anew"
    assert build(arguments(web, anew, "--set", "similarity.keep=0.5")) == 0
    assert digests(output) == digests(anew)
    for name in ("manifest.json", "report/index.html", "README.md"):
        assert (output / name).read_bytes() == (anew / name).read_bytes()
    assert (
        less["thresholds"]["align"]
        > json.loads((built / "manifest.json").read_text())["thresholds"]["align"]
    )


def test_images_unlike_their_page_leave_it_from_one_worker_and_from_two(
    web, built, tmp_path, capsys
):
    """Re-decided on the finished output, nothing embedded again, as a fresh build decides."""
    output, anew = tmp_path / "out", tmp_path / "anew"
    shutil.copytree(built, output)
    rows = {path: path.stat().st_size for path in output.glob("work/embeddings/*/*")}
    assert rows
    assert build(["--output", str(output), "--set", "similarity.keep_images=0.8"]) == 0
    assert re.search(r"m3w +\d+ -> \d+ samples", capsys.readouterr().out)
    manifest = json.loads((output / "manifest.json").read_text())
    images = next(
        count
        for count in manifest["stages"]
        if (count["name"], count["kind"]) == ("m3w_similarity", "image")
    )
    assert images["read"] == manifest["pools"]["m3w"]["scored"]
    assert 0.8 * images["read"] <= images["kept"] < images["read"]
    assert 0 < manifest["thresholds"]["m3w"] < 1
    more = ["--set", "similarity.keep_images=0.8", "--workers", "2"]
    assert build(arguments(web, anew, *more)) == 0
    assert digests(output) == digests(anew)
    # A setting that asks for another stage of sequences takes every row from those kept.
    assert build(["--output", str(output), "--set", "m3w.same_image_bits=-1"]) == 0
    assert {path: path.stat().st_size for path in output.glob("work/embeddings/*/*")} == rows


def test_images_find_their_captions_among_other_text(built, truth, capsys):
    """Five images of M3W a time, what each shows in words, and five sentences of the corpus."""
    told = {
        image["url"]: image["description"]
        for page in truth
        for image in page["images"]
        if not image["mismatched"]
    }
    pictures, others = {}, []
    for path in sorted((built / "m3w").glob("*.tar")):
        with tarfile.open(path) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}
        for name in sorted(name for name in members if name.endswith(".json")):
            for part in json.loads(members[name])["parts"]:
                others += [part["text"][a:b] for a, b in part.get("sentences", ())]
                if told.get(part.get("url")):
                    pictures[told[part["url"]]] = members[part["file"]]
    encoder = load_clip("embedded")
    texts = sorted(pictures)
    images_ND = encoder.embed_images(
        [Image.open(io.BytesIO(pictures[text])).convert("RGB") for text in texts]
    )
    texts_ND, others_OD = encoder.embed_texts(texts), encoder.embed_texts(others)
    draw = np.random.default_rng(0)
    right = Counter()
    for _ in range(200):
        shown = draw.permutation(len(texts))[:5]
        beside = draw.permutation(len(others))[:5]
        scores = images_ND[shown] @ np.concatenate([texts_ND[shown], others_OD[beside]]).T
        right["assigned"] += int((assign(scores) == range(5)).sum())
        right["argmax"] += int((scores.argmax(axis=1) == range(5)).sum())
        right["chance"] += int((draw.permutation(10)[:5] == range(5)).sum())
    shares = {name: number / 1000 for name, number in right.items()}
    with capsys.disabled():
        print(f"\n{len(texts)} images of the made-up web, right placements: {shares}")
    assert shares["assigned"] >= 0.95
    assert shares["assigned"] >= shares["argmax"] > shares["chance"]


def test_a_filter_network_scores_beside_the_first_and_decides(web, built, tmp_path):
    """The same weights twice: every score twice, and the pairs that one alone would keep."""
    output = tmp_path / "out"
    shutil.copytree(built, output)
    network = f"filter_network.model=local-dir:{TINY_CLIP}"
    assert build(["--output", str(output), "--set", network]) == 0
    first, second = json.loads((output / "manifest.json").read_text())["models"]
    assert (first["name"], second["name"]) == ("embedded", f"local-dir:{TINY_CLIP}")
    assert first["sha256"] == second["sha256"]
    rows = 0
    for path in sorted((output / "align").glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".json"):
                    record = json.load(tar.extractfile(member))
                    assert record["filter_similarity"] == record["similarity"]
                    rows += 1
    assert rows == sum(
        shard["samples"]
        for shard in json.loads((built / "manifest.json").read_text())["shards"]
        if shard["corpus"] == "align"
    )


# webdataset leaves the file of a shard to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("corpus", ["m3w", "align", "ltip", "vtp"])
def test_webdataset_reads_the_shards(built, corpus):
    import webdataset

    tars = [str(path) for path in sorted((built / corpus).glob("*.tar"))]
    expected = samples_of(built, corpus)
    seen = {}
    for sample in webdataset.WebDataset(tars, shardshuffle=False):
        seen[sample["__key__"]] = {name: value for name, value in sample.items() if name[0] != "_"}
    assert seen == expected
    gc.collect()


def without_fractions(text):
    """JSON with a word in place of numbers with a fraction: HF's own JSON keeps ten digits."""
    return json.loads(text, parse_float=lambda number: "a number")


@pytest.mark.parametrize("corpus", ["m3w", "align", "ltip", "vtp"])
def test_hugging_face_datasets_read_the_output_by_its_card(built, corpus):
    datasets = pytest.importorskip("datasets")
    expected = samples_of(built, corpus)
    rows = datasets.load_dataset(str(built), corpus, split="train", streaming=True).decode(False)
    seen = {}
    for row in rows:
        members = {
            name: value for name, value in row.items() if value is not None and name[0] != "_"
        }
        seen[row["__key__"].rpartition("/")[2]] = members
    assert list(seen) == list(expected)
    for key, members in seen.items():
        assert members.keys() == expected[key].keys()
        assert without_fractions(members["json"]) == without_fractions(expected[key]["json"])
        for name in members.keys() - {"json", "txt"}:
            assert members[name]["bytes"] == expected[key][name]


@pytest.fixture(scope="module")
def in_small_shards(web, built, tmp_path_factory):
    output = tmp_path_factory.mktemp("small") / "out"
    shutil.copytree(built, output)
    assert build(arguments(web, output, "--set", "shards.max_samples=9")) == 0
    assert len(list((output / "m3w").glob("*.tar"))) > 3
    return output


def without_nulls(value):
    """What JSON says: HF's reader fills in the fields of other samples and other parts."""
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def plain_rows(tars, streaming, cache):
    """What HF datasets read of some tars that they know nothing of, media left as bytes."""
    datasets = pytest.importorskip("datasets")
    rows = datasets.load_dataset(
        "webdataset", data_files=tars, split="train", streaming=streaming, cache_dir=str(cache)
    )
    for name, feature in rows.features.items():
        if isinstance(feature, datasets.Image | datasets.Video):
            rows = rows.cast_column(name, type(feature)(decode=False))
    return list(rows)


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "table"])
@pytest.mark.parametrize("corpus", ["m3w", "align", "ltip", "vtp"])
@pytest.mark.parametrize("shards", ["built", "in_small_shards"])
def test_hugging_face_datasets_read_every_sample_without_a_card(
    shards, corpus, streaming, request, tmp_path
):
    output = request.getfixturevalue(shards)
    expected = samples_of(output, corpus)
    rows = plain_rows(f"{output}/{corpus}/*.tar", streaming, tmp_path)
    assert [row["__key__"].rpartition("/")[2] for row in rows] == list(expected)
    media = {name for name in rows[0] if name.endswith(("jpg", "mp4"))}
    assert media
    for row, sample in zip(rows, expected.values(), strict=True):
        assert without_nulls(row["json"]) == without_nulls(json.loads(sample["json"]))
        assert {name for name in media if row[name]} == media & sample.keys()
        for name in media & sample.keys():
            assert row[name]["bytes"] == sample[name]


def test_no_manifest_before_the_shards(built):
    stamps = [path.stat().st_mtime_ns for path in built.rglob("*.tar") if "work" not in path.parts]
    assert Path(built / "manifest.json").stat().st_mtime_ns >= max(stamps)
