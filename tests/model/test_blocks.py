"""Blocks recomputed, compiled, and both, beside the plain ones."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._dynamo
import transformers
from torch._dynamo.utils import counters

from model.assemble import Run, assemble, open_readers
from model.batches import Batch
from model.blocks import compile_blocks, recompute_blocks
from model.flamingo import Flamingo
from model.gauge import gauge
from model.language import FrozenLanguage
from model.mixture import Draw, MixtureState
from model.reader import Position
from model.recipe import TrainRecipe
from model.step import backward
from schemas.recipe import RecipeError, load_recipe

SIZED = {"vocab_size": 61, "hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 3}
IDS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
FAMILIES = {
    "Llama": transformers.LlamaConfig(**SIZED, **IDS, intermediate_size=64),
    "GPTNeoX": transformers.GPTNeoXConfig(**SIZED, **IDS, intermediate_size=64),
    "GPT2": transformers.GPT2Config(**IDS, vocab_size=61, n_embd=32, n_head=2, n_layer=3),
    "OPT": transformers.OPTConfig(**SIZED, **IDS, ffn_dim=64, word_embed_proj_dim=32),
    "Gemma2": transformers.Gemma2Config(
        **SIZED, **IDS, num_key_value_heads=1, intermediate_size=64, head_dim=16
    ),
}

# dynamo asks every tensor for its gradient, and torch warns of it
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Nothing compiled by another test."""
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


@pytest.fixture(scope="module")
def recipe(toy_recipe: TrainRecipe) -> TrainRecipe:
    """The toy's, in passes of two rows."""
    run = replace(toy_recipe.run, rows_per_pass=2, compile=True)
    return replace(toy_recipe, run=run, window=replace(toy_recipe.window, tokens=64))


@pytest.fixture(scope="module")
def batches(
    recipe: TrainRecipe, toy_data: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> list[Batch]:
    """Three of each of two corpora, all passes of one shape."""
    plain = replace(recipe, run=replace(recipe.run, compile=False))
    _, drawing = assemble(plain, tmp_path_factory.mktemp("run"), "cpu")
    names = ("m3w", "align")
    readers = open_readers(recipe, {name: toy_data[name] for name in names}, drawing)
    found: list[Batch] = []
    for reader in readers.values():
        position = Position()
        for _ in range(3):
            found.append(reader.batch_at(position))
            position = found[-1].after
        reader.close()
    return found


@pytest.fixture
def make_run(recipe: TrainRecipe, tmp_path: Path) -> Callable[..., Run]:
    """A run whose gates are open and whose blocks are yet plain, around any family."""

    def make(family: str = "") -> Run:
        plain = replace(recipe, run=replace(recipe.run, compile=False))
        run, _ = assemble(plain, tmp_path, "cpu")
        if family:
            torch.manual_seed(0)
            lm = transformers.AutoModelForCausalLM.from_config(FAMILIES[family])
            run = replace(run, model=Flamingo(run.model.vision, FrozenLanguage(lm), recipe))
        run = replace(run, recipe=recipe)
        with torch.no_grad():
            for name, parameter in run.model.trainable().items():
                if name.endswith("_gate"):
                    parameter.fill_(0.5)
        return run

    return make


def losses_and_gradients(run: Run, batches: list[Batch]) -> tuple[list[float], dict[str, Any]]:
    run.model.zero_grad()
    losses = [backward(run, batch).item() for batch in batches]
    found = {n: p.grad.clone() for n, p in run.model.trainable().items() if p.grad is not None}
    assert all(p.grad is None for p in run.model.parameters() if not p.requires_grad)
    return losses, found


def saved_bytes(run: Run, batch: Batch) -> int:
    """What autograd keeps of a pass."""
    sizes: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        run.loss(batch.passes[0])
    return sum(sizes.values())


def test_recomputed_blocks_have_the_very_losses_and_gradients(
    make_run: Callable[..., Run], batches: list[Batch]
) -> None:
    plain, again = make_run(), make_run()
    recompute_blocks(again.model)
    losses, gradients = losses_and_gradients(plain, batches)
    found, others = losses_and_gradients(again, batches)
    assert found == losses
    assert others.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert torch.equal(others[name], gradient), name
    assert saved_bytes(again, batches[0]) < 0.7 * saved_bytes(plain, batches[0])


def test_recomputed_blocks_draw_the_same_random_numbers_twice(
    make_run: Callable[..., Run], batches: list[Batch]
) -> None:
    """A block with dropout: its second run is the first one again, and nothing else is drawn."""
    found = []
    for recomputed in (False, True):
        run = make_run()
        for block in run.model.cross_attention:
            block.dense.append(torch.nn.Dropout(0.5))
        if recomputed:
            recompute_blocks(run.model)
        torch.manual_seed(5)
        found.append((losses_and_gradients(run, batches[:1]), torch.rand(1)))
    (one, after_one), (other, after_other) = found
    assert one[0] == other[0]
    assert all(torch.equal(one[1][name], other[1][name]) for name in one[1])
    assert torch.equal(after_one, after_other)


@pytest.mark.parametrize("family", FAMILIES)
def test_compiled_blocks_are_the_plain_ones_and_compiled_once(
    family: str, make_run: Callable[..., Run], batches: list[Batch]
) -> None:
    """Batches with other numbers of images, documents and labels: one graph for each kind of block."""
    plain, compiled = make_run(family), make_run(family)
    compile_blocks(compiled.model, "aot_eager")
    losses, gradients = losses_and_gradients(plain, batches)
    losses_and_gradients(compiled, batches[:1])
    graphs = counters["stats"]["unique_graphs"]
    assert 2 <= graphs <= (3 if family == "Gemma2" else 2)  # its layers are of two kinds
    with torch._dynamo.config.patch(error_on_recompile=True):
        found, others = losses_and_gradients(compiled, batches)
    assert counters["stats"]["unique_graphs"] == graphs
    assert found == pytest.approx(losses, rel=1e-5)
    for name, gradient in gradients.items():
        assert (others[name] - gradient).norm() <= 1e-4 * gradient.norm(), name


def test_compiled_and_recomputed_blocks_are_the_plain_ones(
    make_run: Callable[..., Run], batches: list[Batch]
) -> None:
    plain, both = make_run(), make_run()
    compile_blocks(both.model, "aot_eager")
    recompute_blocks(both.model)
    losses, gradients = losses_and_gradients(plain, batches)
    found, others = losses_and_gradients(both, batches)
    assert counters["stats"]["unique_graphs"] == 2
    assert found == pytest.approx(losses, rel=1e-5)
    for name, gradient in gradients.items():
        assert (others[name] - gradient).norm() <= 1e-4 * gradient.norm(), name


def test_what_is_looked_at_runs_uncompiled(
    make_run: Callable[..., Run], batches: list[Batch]
) -> None:
    plain, compiled = make_run(), make_run()
    compile_blocks(compiled.model, "aot_eager")
    draw = Draw((batches[0], batches[3]), MixtureState(1, {}))
    assert gauge(compiled, draw) == gauge(plain, draw)
    assert not counters["stats"]


@pytest.mark.slow
def test_the_kernels_of_the_inductor_are_the_plain_blocks(
    make_run: Callable[..., Run], batches: list[Batch]
) -> None:
    plain, compiled = make_run(), make_run()
    compile_blocks(compiled.model)
    losses, gradients = losses_and_gradients(plain, batches)
    found, others = losses_and_gradients(compiled, batches)
    assert found == pytest.approx(losses, rel=1e-5)
    for name, gradient in gradients.items():
        assert (others[name] - gradient).norm() <= 1e-4 * gradient.norm(), name


def test_passes_of_a_fixed_shape_hold_the_same_documents(
    recipe: TrainRecipe, batches: list[Batch], toy_data: dict[str, str], tmp_path: Path
) -> None:
    plain = replace(recipe, run=replace(recipe.run, compile=False))
    _, drawing = assemble(plain, tmp_path, "cpu")
    readers = open_readers(plain, {"m3w": toy_data["m3w"]}, drawing)
    loose = readers["m3w"].batch_at(Position())
    readers["m3w"].close()
    fixed = batches[0]
    assert {rows.tokens_BL.shape for batch in batches for rows in batch.passes} == {(2, 64)}
    assert len(fixed.passes) == len(loose.passes)
    assert fixed.labels == loose.labels
    for one, other in zip(fixed.passes, loose.passes, strict=True):
        assert one.tokens == other.tokens
        held = one.documents_BL >= 0
        assert (one.tokens_BL[held] == other.tokens_BL[other.documents_BL >= 0]).all()
        assert not one.tokens_BL[~held].any()


def test_compiling_without_a_number_of_rows_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"compile needs rows_per_pass"):
        load_recipe(TrainRecipe, "[run]\ncompile = true\n", "r.toml")
