"""A run of four steps, and what `model.export` makes of it."""

from pathlib import Path

import pytest

from model.export.command import main
from model.recipe import TrainRecipe
from model.train import train


@pytest.fixture(scope="session")
def exported_run(
    toy_recipe: TrainRecipe, toy_data: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run on pages and pairs."""
    folder = tmp_path_factory.mktemp("exported-run")
    train(toy_recipe, {name: toy_data[name] for name in ("m3w", "align")}, folder)
    return folder


@pytest.fixture(scope="session")
def folders(exported_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The run's model without its frozen models, and with them."""
    root = tmp_path_factory.mktemp("exported")
    made = {"names": root / "names", "whole": root / "whole"}
    for name, more in (("names", []), ("whole", ["--with-frozen"])):
        assert main(["--run", str(exported_run), "--output", str(made[name]), *more]) == 0
    return made
