"""Any causal language model of the Hugging Face kind, frozen, with two words of our own.

Nothing here knows a model family by name. The decoder's blocks are the longest list of modules
that the configuration counts; `<image>` and `<EOC>` live in a side table of two rows, so that the
frozen embedding needs no gradient; `<EOC>` has one output row of its own beside the frozen head.
"""

import inspect
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from model.likelihood import summed_nll
from model.recipe import EMBEDDED
from model.weights.locate import LOCAL_DIR, TINY_LM
from model.windows import Decode, Encode, Vocabulary
from schemas.recipe import RecipeError


class SideEmbedding(nn.Module):
    """A frozen embedding with trainable rows past its end."""

    def __init__(self, frozen: nn.Module, first: int, rows: Tensor) -> None:
        super().__init__()
        self.frozen = frozen
        self.first = first
        self.rows = nn.Parameter(rows)

    @property
    def weight(self) -> Tensor:
        """The frozen table: some models look at its type or device."""
        return self.frozen.weight  # type: ignore[return-value]

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors of ids; those from `first` on come from the side table."""
        known: Tensor = self.frozen(ids.clamp(max=self.first - 1))
        side = fn.embedding((ids - self.first).clamp(min=0), self.rows).to(known.dtype)
        return torch.where((ids >= self.first)[..., None], side, known)


class SideHead(nn.Module):
    """A frozen output layer with one trainable row, run at chosen positions only.

    It stands in the model's own place for it, so that whatever a family does to its logits
    afterwards (scales, soft caps) is done to the new one too.
    """

    def __init__(self, frozen: nn.Module, row: Tensor) -> None:
        super().__init__()
        self.frozen = frozen
        self.row = nn.Parameter(row)
        self.positions_K: Tensor | None = None
        self.instead: Tensor | None = None
        self.held: Tensor | None = None

    @property
    def weight(self) -> Tensor:
        """The frozen matrix: some models look at its type or device."""
        return self.frozen.weight  # type: ignore[return-value]

    def forward(self, hidden_BLd: Tensor) -> Tensor:
        """Logits over the vocabulary and `<EOC>`, at all positions or at the chosen ones [1, K].

        Where something is to be said `instead`, it says that, and holds what came in.
        """
        if self.positions_K is not None:
            hidden_BLd = hidden_BLd.flatten(0, 1).index_select(0, self.positions_K)[None]
        if self.instead is not None:
            self.held = hidden_BLd
            return self.instead
        known: Tensor = self.frozen(hidden_BLd)
        eoc = fn.linear(hidden_BLd.to(self.row.dtype), self.row).to(known.dtype)
        return torch.cat([known, eoc], dim=-1)


class FrozenLanguage(nn.Module):
    """A frozen language model that reads `<image>` and `<EOC>` and can say `<EOC>`.

    Attributes:
        lm: the model, its embedding and head replaced by those with side rows.
        blocks: its decoder blocks in order.
        dim: width of the hidden states between blocks.
        heads: of its attention; 0 where it has none.
    """

    def __init__(self, lm: nn.Module) -> None:
        super().__init__()
        model: Any = lm.requires_grad_(False).eval()
        config = model.config.get_text_config()
        self.dim = int(config.hidden_size)
        self.heads = int(getattr(config, "num_attention_heads", 0))
        embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
        rows = embedding.weight.detach().float().mean(0).repeat(2, 1)
        row = head.weight.detach().float().mean(0, keepdim=True)
        self.eoc = max(embedding.weight.shape[0], head.weight.shape[0])
        if embedding.weight.shape[0] != head.weight.shape[0]:
            raise RecipeError(f"{type(lm).__name__}: input and output vocabularies differ in size")
        model.set_input_embeddings(SideEmbedding(embedding, self.eoc, rows))
        self.head = SideHead(head, row)
        model.set_output_embeddings(self.head)
        self.lm: Any = model
        self._leaves_logits: bool | None = None
        self._takes = frozenset(inspect.signature(model.forward).parameters)

    @property
    def blocks(self) -> nn.ModuleList:
        """The decoder blocks in order."""
        return find_blocks(self.lm)

    @property
    def dtype(self) -> torch.dtype:
        """The type that the frozen weights are kept in."""
        return self.head.weight.dtype

    def train(self, mode: bool = True) -> "FrozenLanguage":
        """Stays in evaluation mode (no dropout), whatever is asked of the model around it."""
        del mode
        return super().train(mode=False)

    @contextmanager
    def as_it_came(self) -> Iterator[Any]:
        """The model with its own embedding and head, for a while."""
        side = self.lm.get_input_embeddings()
        self.lm.set_input_embeddings(side.frozen)
        self.lm.set_output_embeddings(self.head.frozen)
        try:
            yield self.lm
        finally:
            self.lm.set_input_embeddings(side)
            self.lm.set_output_embeddings(self.head)

    @contextmanager
    def _head_at(self, positions_K: Tensor | None, instead: Tensor | None = None) -> Iterator[None]:
        self.head.positions_K, self.head.instead = positions_K, instead
        try:
            yield
        finally:
            self.head.positions_K = self.head.instead = self.head.held = None

    def forward(
        self,
        tokens_BL: Tensor,
        positions_BL: Tensor | None = None,
        mask: Tensor | None = None,
        labelled_K: Tensor | None = None,
    ) -> Tensor:
        """Logits [B, L, V + 1], or [1, K, V + 1] at the flat positions `labelled_K`.

        Args:
            tokens_BL: ids; `<EOC>` and `<image>` are the two past the model's own.
            positions_BL: position of each token in its own document.
            mask: additive, [B, 1, L, L]; None for one document a row, padded on the right.
            labelled_K: positions (row * L + column) whose logits are wanted.
        """
        with self._head_at(labelled_K):
            return self._run(tokens_BL, positions_BL, mask)

    def summed_nll(
        self,
        tokens_BL: Tensor,
        positions_BL: Tensor | None,
        mask: Tensor | None,
        labelled_K: Tensor,
        targets_K: Tensor,
    ) -> Tensor:
        """The sum of the negative log-likelihoods of targets, float32; arguments as of `forward`.

        Their logits never stand all at once, unless the family does something to them past its
        head (scales, soft caps).
        """
        if not self.leaves_logits():
            logits = self(tokens_BL, positions_BL, mask, labelled_K)
            return fn.cross_entropy(logits[0].float(), targets_K, reduction="sum")
        nothing = self.head.row.new_zeros(1, 1, self.eoc + 1)
        with self._head_at(labelled_K, instead=nothing):
            self._run(tokens_BL, positions_BL, mask)
            held: Any = self.head.held
        return summed_nll(held[0], self.head.frozen, self.head.row, targets_K)  # type: ignore[arg-type]

    @torch.no_grad()
    def leaves_logits(self) -> bool:
        """Whether what comes out of the head is what the family answers; found out once."""
        if self._leaves_logits is None:
            plain = isinstance(self.head.frozen, nn.Linear)
            # On the meta device nothing can be seen.
            self._leaves_logits = plain and (self.head.weight.is_meta or self._echoes())
        return self._leaves_logits

    def _echoes(self) -> bool:
        """Whether the family answers what its head is made to say."""
        device = self.head.weight.device
        known = torch.linspace(-100, 100, self.eoc + 1, device=device)[None, None]
        with self._head_at(None, instead=known):
            said = self._run(torch.zeros(1, 1, dtype=torch.long, device=device))
        return torch.equal(said.float(), known)

    def _run(
        self, tokens_BL: Tensor, positions_BL: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        asked = {"position_ids": positions_BL, "attention_mask": mask}
        out = self.lm(
            input_ids=tokens_BL,
            use_cache=False,
            **{k: v for k, v in asked.items() if v is not None and k in self._takes},
        )
        return out.logits  # type: ignore[no-any-return]

    def read(
        self,
        tokens_BL: Tensor,
        cache: Any,  # noqa: ANN401 - each family of transformers has its own
        wanted_K: Tensor | None = None,
    ) -> tuple[Tensor, Any]:
        """Logits as of `forward`, and the cache, which grows by these tokens.

        Args:
            tokens_BL: ids that go on from what the cache has read, in all rows alike.
            cache: of the tokens before; None where there are none.
            wanted_K: positions whose logits are wanted.
        """
        with self._head_at(wanted_K):
            out = self.lm(input_ids=tokens_BL, past_key_values=cache, use_cache=True)
        return out.logits, out.past_key_values


def document_mask(documents_BL: Tensor, dtype: torch.dtype) -> Tensor:
    """An additive mask [B, 1, L, L]: each token sees itself and what its document has before it.

    Padding is a document as well, so that no row of the softmax is empty.
    """
    same_BLL = documents_BL[:, :, None] == documents_BL[:, None, :]
    allowed = same_BLL.tril()[:, None]
    closed = torch.finfo(dtype).min
    return torch.zeros_like(allowed, dtype=dtype).masked_fill_(~allowed, closed)


def find_blocks(lm: nn.Module) -> nn.ModuleList:
    """The decoder blocks: of the module lists as long as the model is deep, the heaviest.

    Raises:
        RecipeError: there is no such list.
    """
    depth = int(lm.config.get_text_config().num_hidden_layers)  # type: ignore[operator, union-attr]
    lists = [m for m in lm.modules() if isinstance(m, nn.ModuleList) and len(m) == depth]
    if not lists:
        raise RecipeError(f"{type(lm).__name__}: no list of its {depth} decoder blocks found")
    return max(lists, key=lambda blocks: sum(p.numel() for p in blocks.parameters()))


def longest_of(lm: Any) -> int | None:  # noqa: ANN401 - transformers has no types
    """Tokens that a language model takes at most; None where it names no bound."""
    config = lm.config.get_text_config()
    longest: int | None = getattr(config, "max_position_embeddings", None)
    return longest


def language_path(model: str) -> str:
    """What transformers takes for the language model that a recipe names: a folder or a name."""
    return str(TINY_LM) if model == EMBEDDED else model.removeprefix(LOCAL_DIR)


def load_language(model: str, tokenizer_path: str = "") -> tuple[FrozenLanguage, Any, Vocabulary]:
    """The language model that a recipe names, its tokenizer, and the ids that are not text.

    Args:
        model: as the recipe names it.
        tokenizer_path: of a tokenizer that does not lie with the model.

    Raises:
        RecipeError: the model or its tokenizer cannot be had.
    """
    import transformers

    path = language_path(model)
    transformers.utils.logging.disable_progress_bar()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(tokenizer_path or path)
        lm = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"[language] model = {model}: not to be had ({error}); without a network name a folder "
            f"saved by save_pretrained, or the small model of the package (model = {EMBEDDED})"
        ) from error
    try:
        language = FrozenLanguage(lm)
    except AttributeError as error:
        raise RecipeError(
            f"[language] model = {model}: {type(lm).__name__} is not built like a decoder: {error}"
        ) from error
    return language, tokenizer, vocabulary_of(tokenizer, language.eoc)


def encoder_of(tokenizer: Any) -> Encode:  # noqa: ANN401 - transformers has no types
    """Text to ids without special tokens, from any number of threads at once."""
    inner = getattr(tokenizer, "backend_tokenizer", None)
    if inner is None:
        return lambda text: list(tokenizer.encode(text, add_special_tokens=False))
    return lambda text: list(inner.encode(text, add_special_tokens=False).ids)


def decoder_of(tokenizer: Any) -> Decode:  # noqa: ANN401 - transformers has no types
    """Ids to text, without special tokens and the space around it."""

    def decode(ids: Sequence[int]) -> str:
        return str(tokenizer.decode(list(ids), skip_special_tokens=True)).strip()

    return decode


@torch.no_grad()
def packing_error(language: FrozenLanguage, tokens: int) -> float:
    """How far the logits of two documents in one row are from those of each alone.

    Relative to the largest logit; infinite where the model refuses such a mask. Some families look
    past a document's mask, or count positions on their own: their documents must not share a row.

    Args:
        language: the model.
        tokens: of the row.
    """
    device, first = language.head.weight.device, tokens // 3
    ids = torch.arange(tokens, device=device)[None] * 7919 % language.eoc
    positions = torch.arange(tokens, device=device)[None]
    documents = (positions >= first).long()
    mask = document_mask(documents, language.dtype)
    try:
        packed = language(ids, positions - first * documents, mask)
    except (TypeError, ValueError, RuntimeError):
        return math.inf
    alone = torch.cat([language(ids[:, :first]), language(ids[:, first:])], dim=1)
    return float((packed - alone).abs().max() / alone.abs().max())


def vocabulary_of(tokenizer: Any, eoc: int) -> Vocabulary:  # noqa: ANN401 - transformers has no types
    """The ids that are not text, for a model whose own ids end before `eoc`."""
    return Vocabulary(eoc, eoc + 1, tokenizer.bos_token_id, tokenizer.eos_token_id)
