"""What a finished output was asked for, so that another threshold can be asked of it alone."""

import argparse
import json

from pipeline.options import OptionsError
from pipeline.output import absolute
from pipeline.stages.beam_files import FILES

REQUEST = "work/request.json"

_KEPT = ("recipe", "input", "eval_index", "overrides", "base_url", "offline")


def remember(output: str, arguments: argparse.Namespace) -> None:
    """Writes down what an output was asked for."""
    asked = {name: getattr(arguments, name) for name in _KEPT}
    FILES.write(f"{output}/{REQUEST}", json.dumps(asked, indent=1).encode())


def recalled(arguments: argparse.Namespace) -> argparse.Namespace:
    """The arguments, with those of the output's last build where they name no recipe and no input.

    What `--set` says comes behind what it said then, and in the place of the same key.

    Raises:
        OptionsError: only one of both is named, or the output does not say what it was asked for.
    """
    if arguments.recipe and arguments.input:
        return arguments
    if arguments.recipe or arguments.input:
        missing = "--input" if arguments.recipe else "--recipe"
        raise OptionsError(f"the following arguments are required: {missing} (--help tells all)")
    path = f"{absolute(arguments.output)}/{REQUEST}"
    try:
        asked = json.loads(FILES.read(path))
        then = {name: asked[name] for name in _KEPT}
    except (OSError, ValueError, KeyError, TypeError):
        raise OptionsError(
            f"--recipe and --input are required: --output {arguments.output} holds no finished "
            "build that says what it was made of"
        ) from None
    now = {key_of(override) for override in arguments.overrides}
    kept = [override for override in then["overrides"] if key_of(override) not in now]
    more = {
        "overrides": kept + arguments.overrides,
        "eval_index": arguments.eval_index or then["eval_index"],
        "base_url": arguments.base_url or then["base_url"],
        "offline": arguments.offline or then["offline"],
    }
    return argparse.Namespace(**{**vars(arguments), **then, **more})


def key_of(override: str) -> str:
    """The key that a `--set` sets."""
    return override.partition("=")[0].strip()
