"""docs/recipes.md says what the code says. `python tests/pipeline/test_recipe.py` prints it anew."""

import dataclasses
import inspect
import re
from pathlib import Path

from pipeline.filters.gopher import judge_quality, judge_repetition
from pipeline.filters.pairs import judge_align_text, judge_ltip_text
from pipeline.filters.video_pairs import judge_vtp_text
from pipeline.recipe import BuildRecipe, named_recipes, read_recipe

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
HEAD = """# Recipes

A recipe says what to build, and every threshold of it. `--recipe NAME` takes one that comes with the package (`m3w`, `align`, `ltip`, `vtp`,
`corpora`, `tiny`, `paper`, `obelics`, `laboratory`), `--recipe FILE.toml` one of yours. `--set section.key=value` lays a value over it and is written into the manifest.
A key that is left out has the default below. An unknown key, a wrong type or a value out of bounds is an error that names file and key.
"""


def described(cls):
    """The docstring's text, and what it says of each attribute."""
    head, _, rest = (inspect.getdoc(cls) or "").partition("Attributes:")
    meanings, current = {}, None
    for line in rest.splitlines():
        if match := re.match(r"    (\w+): (.*)", line):
            current = match[1]
            meanings[current] = match[2]
        elif current and line.startswith("        "):
            meanings[current] += " " + line.strip()
        elif line and not line.startswith(" "):
            current = None
    return " ".join(head.split()), meanings


def shown(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(shown, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def table(values, meanings):
    rows = [
        f"| `{key}` | `{shown(value)}` | {meanings.get(key, '').replace('|', '/')} |"
        for key, value in values
    ]
    return ["| key | default | meaning |", "|---|---|---|", *rows]


def section(name, limits):
    head, meanings = described(type(limits))
    for parent in type(limits).__mro__[1:-1]:
        meanings = described(parent)[1] | meanings
    values = [(field.name, getattr(limits, field.name)) for field in dataclasses.fields(limits)]
    keys = [(key, value) for key, value in values if not dataclasses.is_dataclass(value)]
    lines = ["", f"## [{name}]", "", head, "", *table(keys, meanings)]
    for key, value in values:
        if dataclasses.is_dataclass(value):
            lines += section(f"{name}.{key}", value)
    return lines


def document():
    recipe = BuildRecipe()
    values = [(field.name, getattr(recipe, field.name)) for field in dataclasses.fields(recipe)]
    top = [(name, value) for name, value in values if not dataclasses.is_dataclass(value)]
    lines = [HEAD, "## Top level", "", *table(top, described(BuildRecipe)[1])]
    for name, limits in values:
        if dataclasses.is_dataclass(limits):
            lines += section(name, limits)
    return "\n".join(lines) + "\n"


def test_the_document_is_what_the_code_says():
    assert DOCUMENT.read_text("utf-8") == document(), (
        "python tests/pipeline/test_recipe.py > docs/recipes.md"
    )


def test_every_recipe_that_comes_along_is_read():
    assert named_recipes() == [
        "align", "corpora", "laboratory", "ltip", "m3w", "obelics", "paper", "tiny", "vtp",
    ]  # fmt: skip
    for name in named_recipes():
        assert read_recipe(name, []).corpora


def test_the_papers_thresholds():
    paper = read_recipe("paper", [])
    assert (paper.image.min_side_px, paper.image.max_aspect) == (64, 3.0)
    assert (paper.m3w.max_images, paper.m3w.max_image_documents, paper.m3w.same_image_bits) == (
        0,
        0,
        -1,
    )
    assert paper.similarity.keep == 1
    assert not paper.pii.replace


def test_the_laboratory_lets_labels_through():
    recipe = read_recipe("laboratory", [])
    page = "A title\none red cup\none red cup"
    assert judge_quality(page, recipe.gopher) is None
    assert judge_repetition(page, recipe.gopher) is None
    assert judge_align_text("cup", recipe.align) is None
    assert judge_ltip_text("Output: cup", recipe.ltip) is None
    assert judge_vtp_text("cup", recipe.vtp) is None
    assert judge_align_text("cup", BuildRecipe().align) is not None


def test_obelics_stands_in_for_gophers_quality():
    recipe = read_recipe("obelics", [])
    assert recipe.obelics.enabled
    assert judge_quality("", recipe.gopher) is None
    assert judge_quality("# … 1 " * 50, recipe.gopher) is None
    assert not BuildRecipe().obelics.enabled
    assert BuildRecipe().pii.replace


if __name__ == "__main__":
    print(document(), end="")
