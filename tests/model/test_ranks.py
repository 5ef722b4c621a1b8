"""Several processes train as one does: real gloo groups, each process forked from a warm server."""

import json
import multiprocessing
import os
import pickle
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import numpy as np
import pytest

from model.ranks import LONE, LostRank, Ranks, RanksError, Relay, check_alike, start_ranks, together
from model.reader import CorpusError
from model.recipe import TrainRecipe, WatchRecipe
from model.run_log import CLOCKED
from schemas.recipe import RecipeError

WORK = Path(__file__).with_name("one_rank.py")
BOUND_S = 120
"""Longest that a group of processes may take on a busy machine."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["torch", "open_clip", "transformers", "safetensors.torch"])

WAYS = [pytest.param(False, id="whole"), pytest.param(True, id="shared_out")]
"""Each rank has the model, or a share of it."""

COUNTS = ("red", "green", "blue", "circle", "square", "sky")
"""Words that the toy's tokenizer knows: two of them number 36 samples."""

MakeTar = Callable[[Path, list[tuple[str, bytes]]], Path]


class Processes:
    """Some processes at one work, and what came of it."""

    def __init__(
        self, folder: Path, size: int, work: str, timeout_s: float, arguments: Any
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.results = [folder / f"{work}-{port}-{rank}.pickle" for rank in range(size)]
        self.processes = [
            PROCESSES.Process(
                target=runpy.run_path,
                args=(str(WORK), {"GIVEN": given}, "__main__"),
                daemon=True,
            )
            for rank in range(size)
            for given in [
                {
                    "rank": rank,
                    "size": size,
                    "port": port,
                    "work": work,
                    "timeout_s": timeout_s,
                    "arguments": arguments,
                    "result": self.results[rank],
                }
            ]
        ]
        for process in self.processes:
            process.start()

    def result(self, rank: int) -> dict[str, Any]:
        """Waits for one process; it must end, and well."""
        process = self.processes[rank]
        process.join(BOUND_S)
        assert not process.is_alive(), f"rank {rank} hangs"
        assert process.exitcode == 0, f"rank {rank} failed"
        return pickle.loads(self.results[rank].read_bytes())

    def all(self) -> list[dict[str, Any]]:
        return [self.result(rank) for rank in range(len(self.processes))]

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.join()


Start = Callable[..., Processes]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Processes] = []

    def begin(size: int, work: str, timeout_s: float = 60.0, **arguments: Any) -> Processes:
        started.append(Processes(tmp_path, size, work, timeout_s, arguments))
        return started[-1]

    yield begin
    for processes in started:
        processes.end()


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    """The same works, for a process that is alone."""
    return runpy.run_path(str(WORK), run_name="one_rank")


def named_pair(number: int, picture: bytes | None) -> list[tuple[str, bytes]]:
    """A pair whose caption is like no other's; without a picture nobody can use it."""
    caption = f"{COUNTS[number // len(COUNTS)]} {COUNTS[number % len(COUNTS)]}".encode()
    key = f"k{number:04d}"
    return [(f"{key}.txt", caption), (f"{key}.jpg", picture or b"broken")]


@pytest.fixture(scope="module")
def uneven(
    make_tar: MakeTar, tmp_path_factory: pytest.TempPathFactory, toy_data: dict[str, str]
) -> dict[str, str]:
    """Pairs in shards of 1, 23 and 6 samples, every sixth of them broken; and the toy's pages."""
    folder = tmp_path_factory.mktemp("uneven")
    with tarfile.open(sorted(Path(toy_data["align"]).parent.glob("align-*.tar"))[0]) as tar:
        member = next(m for m in tar if m.name.endswith(".jpg"))
        picture = tar.extractfile(member).read()  # type: ignore[union-attr]
    number = 0
    for shard, count in enumerate((1, 23, 6)):
        members: list[tuple[str, bytes]] = []
        for _ in range(count):
            members += named_pair(number, None if number % 6 == 2 else picture)
            number += 1
        make_tar(folder / f"align-{shard}.tar", members)
    return {"m3w": toy_data["m3w"], "align": str(folder / "*.tar")}


def on(recipe: TrainRecipe, batch: int = 5, **run: Any) -> TrainRecipe:
    """The toy's recipe with another batch, on a run of its own."""
    pairs = replace(recipe.corpora.align, batch=batch)
    return replace(
        recipe,
        corpora=replace(recipe.corpora, align=pairs),
        run=replace(recipe.run, rank_timeout_s=60.0, **run),
    )


def log_of(output: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    return [{key: line[key] for key in line if key not in CLOCKED} for line in lines]


# Batches


@pytest.mark.parametrize("size", [2, 3])
def test_a_batch_has_the_same_samples_on_any_number_of_ranks(
    size: int, start: Start, alone: Any, toy_recipe: TrainRecipe, uneven: dict[str, str]
) -> None:
    """Unusable samples are found by one rank alone, in shards of uneven sizes."""
    given = {"recipe": on(toy_recipe), "data": uneven, "steps": 8}
    one = alone["draws"](LONE, **given)
    several = start(size, "draws", **given).all()
    assert any(skipped for draw in one["told"] for *_, skipped, _, _ in draw)
    for rank in several:
        assert rank["told"] == one["told"]
        assert rank["after"] == one["after"]
    for step, whole in enumerate(one["documents"]):
        shared = [document for rank in several for document in rank["documents"][step]]
        assert sorted(shared) == sorted(whole)
        shares = [len(rank["documents"][step]) for rank in several]
        assert max(shares) < len(whole)


def test_four_ranks_become_two_and_then_one_and_read_each_sample_once_an_epoch(
    start: Start, alone: Any, toy_recipe: TrainRecipe, uneven: dict[str, str]
) -> None:
    data = {"align": uneven["align"]}
    given = {"recipe": on(toy_recipe), "data": data}
    whole = alone["draws"](LONE, **given, steps=10)
    four = start(4, "draws", **given, steps=2).all()
    two = start(2, "draws", **given, steps=2, state=four[3]["after"]).all()
    one = [alone["draws"](LONE, **given, steps=6, state=two[1]["after"])]
    steps = [
        sorted(document for rank in part for document in rank["documents"][step])
        for part, count in ((four, 2), (two, 2), (one, 6))
        for step in range(count)
    ]
    assert steps == [sorted(documents) for documents in whole["documents"]]
    # 25 of the 30 samples are good: an epoch is five steps.
    for epoch in (steps[:5], steps[5:]):
        seen = Counter(document for step in epoch for document in step)
        assert len(seen) == 25
        assert set(seen.values()) == {1}


# Updates


@pytest.mark.parametrize("shard", WAYS)
@pytest.mark.parametrize("size", [2, 3])
def test_ranks_have_the_losses_and_gradients_of_one(
    size: int,
    shard: bool,
    start: Start,
    alone: Any,
    toy_recipe: TrainRecipe,
    uneven: dict[str, str],
) -> None:
    """A batch of five on two ranks; a batch of one leaves ranks without any sample."""
    recipe = on(toy_recipe, batch=5)
    recipe = replace(
        recipe,
        corpora=replace(recipe.corpora, m3w=replace(recipe.corpora.m3w, batch=1)),
        optim=replace(recipe.optim, clip_norm=1e9),
    )
    given = {"recipe": recipe, "data": uneven, "steps": 1}
    one = alone["updates"](LONE, **given)
    several = start(size, "updates", **{**given, "recipe": on(recipe, shard=shard)}).all()
    assert [rank["passes"]["m3w"] for rank in several] == [1] + [0] * (size - 1)
    exact = {
        "tokens",
        "images",
        "frames",
        "flops",
        "samples",
        "skipped",
        "learning_rate",
        "updated",
    }
    for rank in several:
        for key in exact:
            assert rank["line"][key] == one["line"][key], key
        assert rank["line"]["losses"] == pytest.approx(one["line"]["losses"], rel=1e-6)
        assert rank["line"]["grad_norm"] == pytest.approx(one["line"]["grad_norm"], rel=1e-6)
        assert rank["gradients"].keys() == one["gradients"].keys()
        for name, expected in one["gradients"].items():
            found = rank["gradients"][name]
            error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
            assert error < 1e-6, name
            assert np.array_equal(found, several[0]["gradients"][name])
    assert len({rank["weights"] for rank in several}) == 1


def tied_language(folder: Path, source: str) -> str:
    """The toy's language model, its head its embedding."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    config = LlamaConfig.from_pretrained(source)
    config.tie_word_embeddings = True
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("recompute", [False, True])
def test_ranks_that_share_out_a_model_keep_their_share_of_it(
    recompute: bool, start: Start, toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    """Frozen parts have no gradient, and what is tied stays so (trap 12); with blocks run twice."""
    language = replace(
        toy_recipe.language, model=tied_language(tmp_path, toy_recipe.language.model)
    )
    recipe = replace(on(toy_recipe, shard=True, recompute=recompute), language=language)
    ranks = start(2, "updates", recipe=recipe, data=toy_data, steps=2).all()
    for rank in ranks:
        assert rank["frozen gradients"] == 0
        assert rank["tied"]
        assert rank["kept"] < 0.6 * rank["all"]
    assert sum(rank["kept"] for rank in ranks) == ranks[0]["all"]


def test_ranks_that_share_out_a_model_may_see_no_image(
    start: Start, alone: Any, toy_recipe: TrainRecipe, toy_data: dict[str, str]
) -> None:
    """A batch of one page: rank 1 has no sample, no image and no pass, and takes part in all."""
    pages = replace(toy_recipe.corpora.m3w, batch=1)
    recipe = replace(on(toy_recipe), corpora=replace(toy_recipe.corpora, m3w=pages))
    given = {"data": {"m3w": toy_data["m3w"]}, "steps": 2}
    one = alone["updates"](LONE, recipe=recipe, **given)
    for rank in start(2, "updates", recipe=on(recipe, shard=True), **given).all():
        assert rank["line"]["losses"] == pytest.approx(one["line"]["losses"], rel=1e-5)


def test_compiled_blocks_that_ranks_share_out_have_the_losses_of_one_plain_process(
    start: Start, alone: Any, toy_recipe: TrainRecipe, toy_data: dict[str, str]
) -> None:
    """Frozen and trained blocks are compiled, and gathered around each of their passes."""
    recipe = on(toy_recipe, rows_per_pass=1)
    given = {"data": toy_data, "steps": 2}
    one = alone["updates"](LONE, recipe=recipe, **given)
    compiled = on(recipe, compile=True, shard=True)
    for rank in start(2, "updates", timeout_s=300.0, recipe=compiled, **given).all():
        assert rank["line"]["losses"] == pytest.approx(one["line"]["losses"], rel=1e-5)
        assert rank["line"]["grad_norm"] == pytest.approx(one["line"]["grad_norm"], rel=1e-4)
        assert rank["kept"] < 0.6 * rank["all"]


def test_a_step_sums_all_gradients_at_once(
    start: Start, toy_recipe: TrainRecipe, toy_data: dict[str, str]
) -> None:
    """One all-reduce of gradients a step, after the passes of all four corpora, and one of a flag."""
    recipe = on(toy_recipe, rows_per_pass=1)
    recipe = replace(recipe, window=replace(recipe.window, packed=False))
    for rank in start(2, "updates", recipe=recipe, data=toy_data, steps=3).all():
        assert all(passes > 0 for passes in rank["passes"].values())
        assert sum(rank["passes"].values()) > 4
        assert rank["all_reduces"] == [rank["trained"] + rank["parameters"], 1] * 3
        assert rank["threads"] == 1


def test_a_parameter_without_a_gradient_anywhere_keeps_none(start: Start) -> None:
    """An optimiser leaves it alone; one whose gradient is 0 on some rank it does not."""
    for rank in start(2, "sums").all():
        assert rank == {"both": [3.0, 6.0], "second": [[5.0]], "nobody": None, "zero": 0.0}


@pytest.mark.parametrize("shard", WAYS)
@pytest.mark.parametrize("what", ["loss", "norm"])
def test_what_is_no_number_on_one_rank_skips_one_update_on_all(
    what: str,
    shard: bool,
    start: Start,
    toy_recipe: TrainRecipe,
    toy_data: dict[str, str],
    tmp_path: Path,
) -> None:
    """All save after every step, which they could not if their weights had parted."""
    recipe = on(toy_recipe, steps=4, checkpoint_every=1, shard=shard)
    output = tmp_path / "run"
    given = {"recipe": recipe, "data": toy_data, "output": output, "what": what}
    one, two = start(2, "poisoned", **given).all()
    assert one["summary"]["steps"] == two["summary"]["steps"] == 4
    lines = log_of(output)
    assert [line["updated"] for line in lines] == [True, False, True, True]
    assert [np.isnan(line["loss"]) for line in lines] == [False, what == "loss", False, False]


# Runs


@pytest.mark.parametrize("shard", WAYS)
def test_a_resumed_run_of_two_ranks_repeats_the_very_losses(
    shard: bool, start: Start, toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path
) -> None:
    """Killed after step 5, when the newest checkpoint is that of step 4; rank 0 alone writes."""
    recipe = on(toy_recipe, steps=9, checkpoint_every=4, shard=shard)
    given = {"recipe": recipe, "data": toy_data, "output": tmp_path / "whole"}
    one, two = start(2, "trained", **given).all()
    assert one["err"].count("step 9/9") == 1
    assert two["err"] == ""
    assert one["summary"]["checkpoint"] == two["summary"]["checkpoint"]
    given = {**given, "output": tmp_path / "cut", "recipe": on(recipe, steps=5)}
    start(2, "trained", **given).all()
    shutil.rmtree(tmp_path / "cut" / "checkpoints" / "step-00000005")
    one, two = start(2, "trained", **{**given, "recipe": recipe}, resume=True).all()
    assert "resumed from" in one["err"]
    assert two["err"] == ""
    assert log_of(tmp_path / "cut") == log_of(tmp_path / "whole")  # to the last bit
    for name in ("model.safetensors", "optimizer.safetensors", "state.json"):
        parts = [
            tmp_path / run / "checkpoints" / "step-00000009" / name for run in ("cut", "whole")
        ]
        assert parts[0].read_bytes() == parts[1].read_bytes()


@pytest.mark.parametrize("shard", WAYS)
def test_ranks_look_together_and_one_tells(
    shard: bool,
    start: Start,
    alone: Any,
    toy_recipe: TrainRecipe,
    toy_data: dict[str, str],
    tmp_path: Path,
) -> None:
    """Every rank asks about its own share, also where it has none of a corpus (vtp has one)."""
    recipe = replace(on(toy_recipe, steps=2, shard=shard), watch=WatchRecipe(every=1))
    one, two = tmp_path / "one", tmp_path / "two"
    video = replace(recipe.corpora.vtp, batch=1)
    recipe = replace(recipe, corpora=replace(recipe.corpora, vtp=video))
    alone["trained"](LONE, recipe, toy_data, one)
    start(2, "trained", recipe=recipe, data=toy_data, output=two).all()
    for line, expected in zip(log_of(two), log_of(one), strict=True):
        found = line["loss_without_images"]
        assert found == pytest.approx(expected["loss_without_images"], rel=1e-4)
        # of three pairs one rank has two and the other one, which nothing can stand in for
        assert set(line["loss_shuffled_images"]) == {"m3w", "align"}
        assert set(expected["loss_shuffled_images"]) == {"m3w", "align", "ltip"}
    samples = (two / "samples.jsonl").read_text().splitlines()
    assert {json.loads(line)["step"] for line in samples} == {1, 2}
    assert len(list((two / "tensorboard").iterdir())) == 1  # rank 0's alone
    assert "step 2 of 2" in (two / "report.html").read_text()


@pytest.mark.parametrize("shard", WAYS)
def test_one_process_goes_on_where_two_stopped(
    shard: bool,
    start: Start,
    alone: Any,
    toy_recipe: TrainRecipe,
    uneven: dict[str, str],
    tmp_path: Path,
) -> None:
    recipe = on(toy_recipe, steps=8, checkpoint_every=4)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    alone["trained"](LONE, recipe, uneven, whole)
    two = on(recipe, steps=4, shard=shard)
    start(2, "trained", recipe=two, data=uneven, output=cut).all()
    alone["trained"](LONE, recipe, uneven, cut, resume=True)
    exact = ("step", "tokens", "images", "samples", "skipped", "learning_rate", "updated")
    for line, expected in zip(log_of(cut), log_of(whole), strict=True):
        assert line["losses"] == pytest.approx(expected["losses"], rel=1e-3)
        assert [line[key] for key in exact] == [expected[key] for key in exact]
    states = [
        json.loads((run / "checkpoints" / "step-00000008" / "state.json").read_text())
        for run in (whole, cut)
    ]
    assert states[0] == states[1]


@pytest.fixture
def given(toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path: Path) -> list[str]:
    """A command line that trains the toy on pairs for long."""
    path = tmp_path / "toy.toml"
    path.write_text(
        f"""
        vision = {{ model = "{toy_recipe.vision.model}" }}
        language = {{ model = "{toy_recipe.language.model}" }}
        resampler = {{ layers = 1, dim = 16, heads = 2, head_dim = 8, latents = 4 }}
        cross_attention = {{ heads = 2, head_dim = 8 }}
        window = {{ tokens = 48 }}
        run = {{ steps = 100000, checkpoint_every = 2, keep = 1, rank_timeout_s = 5 }}
        [corpora]
        align = {{ batch = 4, weight = 0.2, tokens = 16 }}
        """
    )
    data = f"align={toy_data['align']}"
    return ["--recipe", str(path), "--data", data, "--output", str(tmp_path / "run")]


def test_an_error_of_one_ranks_data_stops_all(
    start: Start, given: list[str], tmp_path: Path
) -> None:
    one, two = start(2, "command", given=given, more={}, broken_after=12).all()
    assert one["status"] == two["status"] == 1
    last = one["err"].splitlines()[-1]
    assert last.startswith("model.train: rank 1: ")
    assert last.endswith(".tar: the disk is broken")
    assert two["err"] == two["out"] == one["out"] == ""
    assert log_of(tmp_path / "run")


@pytest.mark.parametrize(
    ("wrong", "status", "message"),
    [
        (["--set", "corpora.align.batch=6"], 1, "rank 1 has not the same recipe as rank 0"),
        (["--set", "vision.model=local-dir:gone"], 2, "rank 1: "),
        (["--output", "/dev/null/run"], 2, "rank 1: --output /dev/null/run: /dev/null is not a"),
    ],
)
def test_what_only_one_rank_was_told_stops_all_before_the_first_step(
    wrong: list[str], status: int, message: str, start: Start, given: list[str], tmp_path: Path
) -> None:
    one, two = start(2, "command", given=given, more={1: wrong}).all()
    assert one["status"] == two["status"] == status
    assert message in one["err"]
    assert len(one["err"].splitlines()) == 1
    assert two["err"] == ""
    assert not (tmp_path / "run").exists()


def test_what_all_ranks_were_told_wrongly_is_told_once(start: Start, given: list[str]) -> None:
    one, two = start(2, "command", given=[*given, "--data", "m3w=/gone/*.tar"], more={}).all()
    assert one["status"] == two["status"] == 1
    assert one["err"] == "model.train: /gone/*.tar: no such shards\n"
    assert two["err"] == ""


@pytest.mark.parametrize("shard", WAYS)
@pytest.mark.parametrize("way", ["killed", "stopped"])
def test_the_others_end_when_a_rank_does(
    way: str, shard: bool, start: Start, given: list[str], tmp_path: Path
) -> None:
    """Killed, its connections close; standing still, the time of the group runs out."""
    more = ["--set", "run.shard=true"] if shard else []
    processes = start(2, "command", given=[*given, *more], more={})
    log = tmp_path / "run" / "log.jsonl"
    begun = time.monotonic()
    while not log.exists() or log.read_bytes().count(b"\n") < 3:
        assert time.monotonic() - begun < BOUND_S
        time.sleep(0.05)
    pid = processes.processes[1].pid
    assert pid
    os.kill(pid, signal.SIGKILL if way == "killed" else signal.SIGSTOP)
    one = processes.result(0)
    assert one["status"] == 1
    assert one["err"].splitlines()[-1].startswith("model.train: rank 0 lost the others: ")
    assert one["out"] == ""


@pytest.mark.parametrize("way", ["killed", "stopped"])
def test_a_rank_lost_before_the_sum_is_an_error_of_the_sum(way: str, start: Start) -> None:
    one = start(2, "dying", timeout_s=3.0, way=way).result(0)
    assert one["told"].startswith("LostRank: rank 0 lost the others: ")
    assert one["sum"] == [3.0] * 5  # 1 + 2, of the sum before


@pytest.mark.slow
def test_torchrun(given: list[str], tmp_path: Path) -> None:
    launch = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "model.train"]
    done = subprocess.run(
        [sys.executable, "-m", *launch, *given, "--steps", "3"],
        capture_output=True,
        text=True,
        timeout=2 * BOUND_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 3  # told once
    assert [line["step"] for line in log_of(tmp_path / "run")] == [1, 2, 3]
    assert all(line["samples"] == {"align": 4} for line in log_of(tmp_path / "run"))


# Without processes


class Two(Ranks):
    """Rank 1 of two, whose other one says what the test says."""

    rank, size = 1, 2

    def __init__(self, other: Any) -> None:
        self.other = other

    def gather(self, value: Any) -> list[Any]:
        assert current_thread() is main_thread()
        return [self.other, value]


def fails() -> str:
    raise CorpusError("no shards")


def test_an_expected_error_is_every_ranks() -> None:
    with pytest.raises(CorpusError, match=r"^rank 0: a full disk$"):
        together(Two(CorpusError("a full disk")), lambda: "done", CorpusError)
    with pytest.raises(CorpusError, match=r"^rank 1: no shards$"):
        together(Two(None), fails, CorpusError)
    with pytest.raises(CorpusError, match=r"^no shards$"):
        together(Two(CorpusError("no shards")), fails, CorpusError)
    with pytest.raises(CorpusError, match=r"^no shards$"):
        together(LONE, fails, CorpusError)
    assert together(Two(None), lambda: "done", CorpusError) == "done"


def test_an_error_that_nobody_expects_is_not_told_as_one_of_the_data() -> None:
    with pytest.raises(CorpusError, match=r"^no shards$"):
        together(Two(None), fails, RecipeError)  # at once: nothing was gathered


def test_ranks_that_differ_are_named() -> None:
    check_alike(Two({"shards": (1, 2)}), {"shards": (1, 2)})
    with pytest.raises(RanksError, match="rank 1 has not the same shards as rank 0"):
        check_alike(Two({"shards": (1, 2), "recipe": 1}), {"shards": (1, 3), "recipe": 1})


def test_the_main_thread_gathers_for_the_other() -> None:
    relay = Relay(Two("from rank 0"))
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(lambda: [relay.gather(n) for n in range(3)])
        assert relay.result_of(asked) == [["from rank 0", n] for n in range(3)]
        assert relay.result_of(asked) == [["from rank 0", n] for n in range(3)]
        failing = thread.submit(fails)
        with pytest.raises(CorpusError):
            relay.result_of(failing)


def test_a_thread_that_nobody_will_answer_is_let_go() -> None:
    relay = Relay(Two("never asked"))
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(relay.gather, 1)
        relay.close()
    with pytest.raises(CancelledError):
        asked.result(timeout=10)


def test_a_process_alone_waits_for_nobody() -> None:
    assert Relay(LONE).gather(7) == [7]  # in any thread, at once
    assert LONE.gather("x") == ["x"]
    assert LONE.any(True)
    assert not LONE.any(False)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE=two in the environment: expected a number"),
        ({"WORLD_SIZE": "2"}, "RANK= in the environment: expected a number; use torchrun"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, "RANK=2 in the environment: WORLD_SIZE=2 has no such"),
        ({"WORLD_SIZE": "2", "RANK": "1"}, "WORLD_SIZE=2 in the environment without MASTER_ADDR"),
    ],
)
def test_half_an_environment_is_refused(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert start_ranks("cpu", 1.0) is LONE
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RecipeError, match=message):
        start_ranks("cpu", 1.0)


def test_a_rank_that_nobody_joins_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LostRank, match="rank 1 of 2 cannot join: "):
        start_ranks("cpu", 1.0)
