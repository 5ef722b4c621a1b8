"""The model card of an exported model: what it is, what it was trained on, what it is not for."""

import json
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

LOSSES = 10
"""Steps at the begin and at the end of a run whose losses are averaged, as `model.train` does."""

_HEAD = """---
library_name: open-m3w
tags: [flamingo, image-text-to-text]
---

# A Flamingo of {step} steps

{language_class} `{language}` and the image tower of CLIP `{vision}`, both frozen, with a Perceiver
resampler and gated cross-attention trained between them (Flamingo, arXiv 2204.14198).
{frozen}

```python
import model
from PIL import Image

flamingo = model.load("{folder}")
picture = Image.open("picture.jpg")
print(flamingo.caption(picture))
print(flamingo.answer(picture, "What is this?"))
print(flamingo.generate([picture, "Output: a red circle", Image.open("other.jpg"), "Output:"]))
```
"""

_WITH, _WITHOUT = (
    "The frozen models lie in `vision/` and `language/`.",
    "The frozen models are not in this folder: they are loaded by these names and held against\n"
    "the digests in `config.json`.",
)

_NOT_FOR = """
## What it is not for

It says what is likely after a picture and a text, true or not. It was not tuned to follow
instructions or to refuse any, and nobody has measured its biases: it has those of its frozen models
and of the pages that it was trained on. Not for decisions about people, not for medical, legal or
other advice, not for telling who is in a picture. The licences of its frozen models bind whoever
uses it; those of the pages are with the corpus.
"""


def card_of(
    name: str,
    config: Mapping[str, Any],
    state: Mapping[str, Any],
    log: Sequence[Mapping[str, Any]],
) -> str:
    """The card in Markdown.

    Args:
        name: of the folder.
        config: of the exported model.
        state: of the checkpoint that it came from.
        log: lines of the run up to this checkpoint.
    """
    vision = f"{config['vision']['model']} {config['vision']['pretrained']}".strip()
    head = _HEAD.format(
        step=config["step"],
        language_class=config["language"]["class"],
        language=config["language"]["model"],
        vision=vision,
        frozen=_WITH if config["with_frozen"] else _WITHOUT,
        folder=name,
    )
    return head + _data(state, log) + _figures(log) + _recipe(config["recipe"]) + _NOT_FOR


def _data(state: Mapping[str, Any], log: Sequence[Mapping[str, Any]]) -> str:
    """What it was trained on: samples there, read and not usable, by corpus."""
    lines = ["| corpus | samples in it | read | of which not usable |", "|---|---|---|---|"]
    for corpus, about in state["data"].items():
        used = sum(line["samples"].get(corpus, 0) for line in log)
        skipped = state["skipped"].get(corpus, {})
        reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
        read = used + sum(skipped.values())
        lines.append(f"| {corpus} | {about['samples']:,} | {read:,} | {reasons or 'none'} |")
    return "\n## Data\n\n" + "\n".join(lines) + "\n"


def _figures(log: Sequence[Mapping[str, Any]]) -> str:
    """What the run's log says of it."""
    if not log:
        return "\n## Figures of the run\n\nIts log was not there.\n"
    lines = [f"| loss | first {LOSSES} steps | last {LOSSES} |", "|---|---|---|"]
    for corpus in dict.fromkeys(corpus for line in log for corpus in line["losses"]):
        losses = [line["losses"][corpus] for line in log if corpus in line["losses"]]
        first, last = fmean(losses[:LOSSES]), fmean(losses[-LOSSES:])
        lines.append(f"| {corpus} | {first:.3f} | {last:.3f} |")
    tokens, images = sum(line["tokens"] for line in log), sum(line["images"] for line in log)
    undone = sum(not line["updated"] for line in log)
    told = (
        f"\n{len(log):,} steps, {tokens:,} tokens, {images:,} images and videos; {undone} steps "
        "without an update, since a number was not finite.\n"
    )
    return "\n## Figures of the run\n\n" + "\n".join(lines) + "\n" + told


def _recipe(tree: Mapping[str, Any]) -> str:
    """The recipe as the TOML that would train it again."""
    top = [f"{key} = {_toml(value)}" for key, value in tree.items() if not isinstance(value, dict)]
    tables = [
        f"\n[{key}]\n" + _table(value) for key, value in tree.items() if isinstance(value, dict)
    ]
    return "\n## Recipe\n\n```toml\n" + "\n".join([*top, *tables]) + "\n```\n"


def _table(tree: Mapping[str, Any]) -> str:
    return "\n".join(f"{key} = {_toml(value)}" for key, value in tree.items())


def _toml(value: object) -> str:
    """A plain value in TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False)
