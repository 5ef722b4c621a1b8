"""The files that a recipe names: which they are, and what stands for their content."""

from pipeline.filters.perplexity import NoLanguageModel, require_packages
from pipeline.media.hash_lists import BadHashList
from pipeline.recipe import BuildRecipe
from pipeline.stages.beam_files import FILES
from pipeline.stages.listed import lists_of
from schemas.keys import sha256_hex
from schemas.recipe import RecipeError


def file_digest(path: str) -> str:
    """A digest of a file that the recipe names, so that a changed one counts as changed.

    Raises:
        RecipeError: it cannot be read.
    """
    try:
        return sha256_hex(FILES.read(path)) if path else ""
    except OSError as error:
        raise RecipeError(f"the recipe names {path}: {error.strerror or error}") from None


def fetch_digests(recipe: BuildRecipe) -> tuple[str, ...]:
    """Digests of the files that the recipe's fetching depends on.

    Raises:
        RecipeError: one cannot be read.
    """
    return tuple(map(file_digest, (*recipe.fetch.opt_out_files, recipe.fetch.url_map)))


def hash_list_digests(recipe: BuildRecipe) -> tuple[str, ...]:
    """Digests of the recipe's lists of digests.

    Raises:
        RecipeError: one cannot be read, or has a line that is no digest.
    """
    found = tuple(map(file_digest, recipe.unsafe.hash_lists))
    try:
        lists_of(recipe.unsafe.hash_lists)
    except BadHashList as error:
        raise RecipeError(f"unsafe.hash_lists: {error}") from None
    return found


def obelics_files(recipe: BuildRecipe) -> tuple[str, ...]:
    """The files that OBELICS's rules take their words and their model from; "" for none.

    Raises:
        RecipeError: a model is asked for that the installed packages cannot read.
    """
    limits = recipe.obelics
    if limits.perplexity_model:
        try:
            require_packages()
        except NoLanguageModel as error:
            raise RecipeError(str(error)) from None
    models = (limits.perplexity_model, limits.perplexity_pieces)
    return (recipe.flagged.words_file, limits.common_words_file, *models)
