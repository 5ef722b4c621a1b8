"""Recipes: TOML into nested frozen dataclasses, with errors that name file and key."""

import dataclasses
import difflib
import json
import math
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from schemas.keys import make_key

T = TypeVar("T")


class RecipeError(ValueError):
    """A recipe that cannot be used; the message names the file, the section and the key."""


def bounded(default: float | int, *, at_least: float = 0, at_most: float = math.inf) -> Any:  # noqa: ANN401 - stands for the field's own type, as dataclasses.field does
    """A dataclass field whose value a recipe may set between two bounds, both included."""
    return dataclasses.field(default=default, metadata={"bounds": (at_least, at_most)})


def load_recipe(cls: type[T], text: str, name: str, overrides: Iterable[str] = ()) -> T:
    """The recipe that some TOML and some `key=value` overrides stand for.

    Args:
        cls: a dataclass whose fields are values, tuples of values, or such dataclasses.
        text: the TOML.
        name: what errors call it: the file's path.
        overrides: `section.key=value` with the value as TOML, or a bare word for a string.

    Raises:
        RecipeError: on bad TOML, an unknown key, a wrong type or a value out of bounds.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name}: not TOML: {error}") from None
    recipe = _build(cls, tree, name, "")
    tree_of_overrides: dict[str, Any] = {}
    for override in overrides:
        _set_override(tree_of_overrides, override)
    return _build(cls, _merged(tree, tree_of_overrides), "--set", "") if overrides else recipe


def recipe_of(cls: type[T], tree: Mapping[str, Any], name: str) -> T:
    """The recipe that a tree of plain values stands for, as `recipe_tree` makes one.

    Raises:
        RecipeError: on an unknown key, a wrong type or a value out of bounds.
    """
    return _build(cls, tree, name, "")


def recipe_tree(recipe: object) -> dict[str, Any]:
    """The recipe as plain values, every default spelled out."""
    if not dataclasses.is_dataclass(recipe) or isinstance(recipe, type):
        raise TypeError(f"not a recipe: {recipe!r}")
    tree: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(recipe)))
    return tree


def digest_of(*values: object) -> str:
    """A key for recipes, parts of them, or other plain values: equal when every value is equal."""
    return make_key(json.dumps(values, sort_keys=True, default=_plain))


def _plain(value: object) -> object:
    """A dataclass, or a part of one, as JSON takes it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"no part of a recipe: {value!r}")


def _set_override(tree: dict[str, Any], override: str) -> None:
    """Puts `a.b=value` into a tree of overrides."""
    path, sign, raw = override.partition("=")
    if not sign or not path.strip():
        raise RecipeError(f"--set {override}: expected section.key=value")
    try:
        value = tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        value = raw
    *sections, key = path.strip().split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise RecipeError(f"--set {override}: {section} is a value, not a section")
    tree[key] = value


def _merged(tree: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A tree with another one laid over it."""
    merged = dict(tree)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged


def _build(cls: type[T], tree: Mapping[str, Any], name: str, section: str) -> T:
    """One dataclass of a recipe from its table."""
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    where = f"{name}: [{section}]" if section else f"{name}:"
    for key in tree:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f" (did you mean {near[0]}?)" if near else f" (known: {', '.join(fields)})"
            raise RecipeError(f"{where} unknown key {key}{hint}")
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for key, raw in tree.items():
        kind = hints[key]
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            if not isinstance(raw, dict):
                raise RecipeError(f"{where} {key} is a section, got {raw!r}")
            values[key] = _build(kind, raw, name, f"{section}.{key}" if section else key)
        else:
            values[key] = _value(kind, raw, f"{where} {key}")
            _check_bounds(fields[key], values[key], f"{where} {key}")
    try:
        return cls(**values)
    except ValueError as error:
        raise RecipeError(f"{where} {error}") from None


def _check_bounds(field: "dataclasses.Field[Any]", value: object, where: str) -> None:
    """Raises RecipeError on a number out of its bounds; numbers are never negative by default."""
    low, high = field.metadata.get("bounds", (0, math.inf))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if math.isnan(value) or value < low:
        raise RecipeError(f"{where} must be at least {low}, got {value}")
    if value > high:
        raise RecipeError(f"{where} must be at most {high}, got {value}")


def _value(kind: Any, raw: object, where: str) -> object:  # noqa: ANN401 - a type hint
    """A raw TOML value as the given type."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        inner = [arg for arg in args if arg is not type(None)]
        if raw is None and len(inner) < len(args):
            return None  # TOML has no null, but a recipe that was kept as JSON has
        return _value(inner[0], raw, where)
    if origin is tuple:
        if not isinstance(raw, list):
            raise RecipeError(f"{where} must be a list, got {raw!r}")
        kinds = [args[0]] * len(raw) if args[-1] is Ellipsis else list(args)
        if len(kinds) != len(raw):
            raise RecipeError(f"{where} must have {len(kinds)} values, got {len(raw)}")
        return tuple(_value(one, item, where) for one, item in zip(kinds, raw, strict=True))
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if (
        not isinstance(kind, type)
        or not isinstance(raw, kind)
        or isinstance(raw, bool) != (kind is bool)
    ):
        word = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
        raise RecipeError(f"{where} must be {word.get(kind, kind)}, got {raw!r}")
    return raw
