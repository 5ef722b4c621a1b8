"""What a build says of itself: recipe, inputs, counts by stage and reason, shards."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

MANIFEST_VERSION = "m3w-build/1"


@dataclass(frozen=True, slots=True)
class StageCount:
    """What went through a stage: read = kept + the sum of rejected.

    Attributes:
        name: the stage, as in the decisions table.
        kind: page, document, image, pair or video.
        read: items that came in.
        kept: items that went on.
        rejected: number of items by reason.
        replaced: how much was replaced in the items kept, by what it was: email, phone, ip, card;
            or cut of them: date, place.
        flagged: of the items kept, the number by reason of those that a policy "flag" kept.
    """

    name: str
    kind: str
    read: int
    kept: int
    rejected: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    flagged: dict[str, int] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        """Whether every item that came in is accounted for."""
        return self.read == self.kept + sum(self.rejected.values())


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """A shard of the output: its corpus, path below the output, samples, bytes and sha256."""

    corpus: str
    path: str
    samples: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a finished build.

    Attributes:
        version: of this format.
        software: name and version of the builder.
        recipe_name: the recipe's name or file.
        recipe_digest: equal for equal recipes.
        recipe: every key spelled out.
        overrides: what `--set` changed.
        inputs: the input patterns with the number of files, their bytes and their digest.
        models: name, tag and weight digest of every model that scored.
        stages: counts in the order of the build.
        shards: in order.
        thresholds: values that were resolved on the pool, by name.
        pools: what there was to resolve them on, by the same name: `scored` items; and of
            `align_tokens` the `tokens`, how many are `different`, how many of these `frequent`, the
            `least_count` of a frequent one, and the `error` of the sketch, 0 where all is exact;
            and of `m3w_order` the mean cosine of a page's images, of those that follow one another,
            and the share of images between two texts that are likelier the one behind.
    """

    software: str
    recipe_name: str
    recipe_digest: str
    recipe: dict[str, Any]
    overrides: list[str]
    inputs: list[dict[str, Any]]
    models: list[dict[str, Any]]
    stages: list[StageCount]
    shards: list[ShardEntry]
    thresholds: dict[str, float] = field(default_factory=dict)
    pools: dict[str, dict[str, float]] = field(default_factory=dict)
    version: str = MANIFEST_VERSION


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON, the same bytes for the same manifest."""
    tree = dataclasses.asdict(manifest)
    return (json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def decode_manifest(content: bytes) -> Manifest:
    """The manifest that some JSON holds.

    Raises:
        ValueError: when it is not JSON, of another version, or lacks a field.
    """
    tree = json.loads(content)
    if not isinstance(tree, dict) or tree.get("version") != MANIFEST_VERSION:
        found = tree.get("version") if isinstance(tree, dict) else tree
        raise ValueError(f"not a manifest of version {MANIFEST_VERSION}: {found!r}")
    try:
        tree["stages"] = [StageCount(**stage) for stage in tree["stages"]]
        tree["shards"] = [ShardEntry(**shard) for shard in tree["shards"]]
        return Manifest(**tree)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a whole manifest: {error}") from None
