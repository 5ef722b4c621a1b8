from dataclasses import dataclass, field

import pytest

from schemas.recipe import RecipeError, bounded, digest_of, load_recipe, recipe_of, recipe_tree


@dataclass(frozen=True, slots=True)
class Limits:
    min_side_px: int = bounded(64, at_least=1)
    max_aspect: float = 3.0
    share: float = bounded(1.0, at_most=1)
    formats: tuple[str, ...] = ("JPEG",)
    strict: bool = False
    contact: str | None = None

    def __post_init__(self) -> None:
        if "TIFF" in self.formats:
            raise ValueError("formats must not hold TIFF")


@dataclass(frozen=True, slots=True)
class Recipe:
    seed: int = 0
    image: Limits = field(default_factory=Limits)


def load(text, *overrides):
    return load_recipe(Recipe, text, "recipes/x.toml", overrides)


def test_defaults_and_values():
    assert load("") == Recipe()
    recipe = load('seed = 7\n[image]\nmax_aspect = 2\nformats = ["PNG"]\nstrict = true')
    assert recipe == Recipe(7, Limits(max_aspect=2.0, formats=("PNG",), strict=True))
    assert isinstance(recipe.image.max_aspect, float)


def test_overrides_are_toml_or_bare_words():
    recipe = load(
        "[image]\nmin_side_px = 10", "image.max_aspect=2.5", "image.contact=me@x", "seed=3"
    )
    assert recipe == Recipe(3, Limits(min_side_px=10, max_aspect=2.5, contact="me@x"))
    assert load("", 'image.formats=["PNG", "WEBP"]').image.formats == ("PNG", "WEBP")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[image]\nmin_side_px = 0",
            "recipes/x.toml: [image] min_side_px must be at least 1, got 0",
        ),
        (
            "[image]\nmax_aspect = -1",
            "recipes/x.toml: [image] max_aspect must be at least 0, got -1.0",
        ),
        ("[image]\nshare = 1.5", "recipes/x.toml: [image] share must be at most 1, got 1.5"),
        ("[image]\nmin_side = 3", "[image] unknown key min_side (did you mean min_side_px?)"),
        ("[image]\nmin_side_px = 1.5", "[image] min_side_px must be a whole number, got 1.5"),
        ("[image]\nmin_side_px = true", "min_side_px must be a whole number, got True"),
        ("[image]\nstrict = 1", "strict must be true or false, got 1"),
        ("[image]\nformats = 'PNG'", "formats must be a list"),
        ("[image]\nformats = ['TIFF']", "recipes/x.toml: [image] formats must not hold TIFF"),
        ("image = 3", "recipes/x.toml: image is a section, got 3"),
        ("nonsense = 3", "recipes/x.toml: unknown key nonsense (known: seed, image)"),
        ("seed = = 3", "recipes/x.toml: not TOML"),
        ("[image]\nmax_aspect = nan", "max_aspect must be at least 0, got nan"),
    ],
)
def test_errors_name_file_and_key(text, message):
    with pytest.raises(RecipeError) as caught:
        load(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("image.min_side_px=0", "--set: [image] min_side_px must be at least 1"),
        ("image.min_side_px", "expected section.key=value"),
        ("image.nothing=1", "unknown key nothing"),
        ("seed.x=1", "--set"),
    ],
)
def test_override_errors(override, message):
    with pytest.raises(RecipeError) as caught:
        load("seed = 1", override)
    assert message in str(caught.value)


def test_override_below_a_value():
    with pytest.raises(RecipeError, match="seed is a value, not a section"):
        load("", "seed=1", "seed.x=1")


def test_fixed_length_tuple():
    @dataclass(frozen=True)
    class Mean:
        rgb: tuple[int, int, int] = (0, 0, 0)

    assert load_recipe(Mean, "rgb = [1, 2, 3]", "m").rgb == (1, 2, 3)
    with pytest.raises(RecipeError, match="must have 3 values, got 2"):
        load_recipe(Mean, "rgb = [1, 2]", "m")


def test_a_tree_is_its_recipe_again():
    recipe = Recipe(3, Limits())
    assert recipe_of(Recipe, recipe_tree(recipe), "state.json") == recipe
    with pytest.raises(RecipeError, match=r"state.json: unknown key sed"):
        recipe_of(Recipe, {"sed": 1}, "state.json")


def test_tree_and_digest():
    assert recipe_tree(Recipe())["image"]["formats"] == ["JPEG"]
    assert digest_of(Recipe()) == digest_of(Recipe(0, Limits()))
    assert digest_of(Recipe()) != digest_of(Recipe(1))
    assert digest_of("a", Limits()) != digest_of("b", Limits())
    assert digest_of((Limits(), 3)) == digest_of([Limits(), 3])
    with pytest.raises(TypeError, match="no part of a recipe"):
        digest_of({1, 2})
    with pytest.raises(TypeError, match="not a recipe"):
        recipe_tree(3)
