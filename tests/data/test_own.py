"""A user's own data: npz archives and folders of images, read or refused with a remedy."""

import os
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from wncompare import data
from wncompare.catalog.datasets import ImageFolderOptions, NpzOptions
from wncompare.errors import DatasetError

RNG = np.random.default_rng(0)


def arrays(**changes: Any) -> dict[str, Any]:
    """The arrays of a good archive, some changed, or left out where None."""
    good = {
        "x_train": RNG.integers(0, 256, (12, 5, 6, 3), dtype=np.uint8),
        "y_train": np.arange(12) % 3,
        "x_test": RNG.integers(0, 256, (6, 5, 6, 3), dtype=np.uint8),
        "y_test": np.arange(6) % 3,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def load_npz(folder: Path, content: dict[str, Any], **options: str) -> data.Dataset:
    """Stores the arrays and loads them."""
    np.savez_compressed(folder / "mine.npz", **content)
    return data.load("npz", NpzOptions(path="mine.npz", **options), data_dir=folder)


def test_npz(tmp_path: Path) -> None:
    """Images and labels come back as they were stored, called by the file's name or the label, classes by number."""
    content = arrays()
    dataset = load_npz(tmp_path, content)
    np.testing.assert_array_equal(dataset.train.x, content["x_train"])
    np.testing.assert_array_equal(dataset.test.y, content["y_test"])
    assert (dataset.label, dataset.class_names, dataset.official) == ("mine", ("0", "1", "2"), None)
    assert load_npz(tmp_path, content, label="My data").label == "My data"


def test_npz_is_forgiving(tmp_path: Path) -> None:
    """Grey images get a channel, other whole numbers become uint8, labels may be a column, classes may be named."""
    grey = arrays(
        x_train=RNG.integers(0, 256, (12, 5, 6)),
        x_test=RNG.integers(0, 256, (6, 5, 6)).astype(np.uint16),
        y_train=(np.arange(12, dtype=np.uint8) % 2)[:, None],
        y_test=np.zeros((6, 1), np.int32),
        class_names=np.array(["cat", "dog", "never seen"]),
    )
    dataset = load_npz(tmp_path, grey)
    assert (dataset.form.input.shape, dataset.train.x.dtype, dataset.train.y.shape) == ((5, 6, 1), np.uint8, (12,))
    np.testing.assert_array_equal(dataset.test.x[..., 0], grey["x_test"])
    assert dataset.class_names == ("cat", "dog", "never seen")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None, "x_test": None}, "lacks x_test, y_test: it holds x_train, y_train"),
        ({"x_train": np.zeros((12, 5, 6, 3), bool)}, "x_train is bool, not whole numbers"),
        ({"x_train": np.full((12, 5, 6, 3), 256)}, "x_train goes from 256 to 256, not within 0…255"),
        ({"x_train": np.full((12, 5, 6, 3), -1)}, "x_train goes from -1 to -1"),
        ({"x_train": np.zeros((12, 90), np.uint8)}, "x_train is uint8 (12, 90), not the images (n, height, width"),
        ({"x_train": np.zeros((12, 3, 5, 6), np.uint8)}, "channels must come last, store x.transpose(0, 2, 3, 1)"),
        ({"x_test": np.zeros((0, 5, 6, 3), np.uint8)}, "x_test has shape (0, 5, 6, 3)"),
        ({"x_test": np.zeros((6, 5, 7, 3), np.uint8)}, "training images are (5, 6, 3), test images (5, 7, 3)"),
        ({"y_train": np.arange(11) % 3}, "y_train is int64 (11,), not 12 whole numbers"),
        ({"y_train": np.zeros(12)}, "every training target is [0.0]: at least 2 are needed"),
        ({"y_train": np.eye(3)[np.arange(12) % 3]}, "store class numbers, such as y.argmax(axis=1), not one-hot"),
        ({"y_train": np.arange(12) % 3 - 1}, "y_train holds -1: classes are counted from 0"),
        ({"y_train": np.arange(12) % 3 + 1}, "y_train skips classes below 3: count from 0, or store class_names"),
        ({"y_train": np.zeros(12, int), "y_test": np.zeros(6, int)}, "has 1 class: at least 2"),
        ({"y_train": np.ones(12, int), "class_names": np.array(["a", "b", "c"])}, "every training image is of class b"),
        ({"y_test": np.full(6, 3)}, "label 3 is not below the 3 classes"),
        ({"class_names": np.array(["a", "b"])}, "label 2 is not below the 2 classes"),
        ({"class_names": np.array(["a", "b", "b"])}, "not a list of different texts"),
        ({"class_names": np.array([1, 2, 3])}, "class_names is int64 (3,), not a list of different texts"),
        (
            {"x_train": np.array([print] * 12, dtype=object)},
            "no archive of plain arrays (Object arrays cannot be loaded",
        ),
    ],
)
def test_npz_refusals(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """What is wrong is named with the file, the array, what was found and the remedy, in one line."""
    with pytest.raises(DatasetError, match=re.escape(message)) as caught:
        load_npz(tmp_path, arrays(**changes))
    assert str(tmp_path / "mine.npz") in str(caught.value)
    assert "\n" not in str(caught.value)


def dark(shape: tuple[int, ...], highest: int) -> np.ndarray:
    """Images up to a value that is there."""
    images = RNG.integers(0, highest + 1, shape, dtype=np.uint8)
    images.flat[0] = highest
    return images


@pytest.mark.parametrize("highest", [0, 1, 2, 16])
@pytest.mark.parametrize("split", ["train", "test"])
def test_nearly_black_images(tmp_path: Path, split: str, highest: int) -> None:
    """Images that were scaled to 0…1 (or 0…2, or to nothing) and cast, in one split or both, come with a caveat."""
    good = arrays()
    changed = good | {f"x_{split}": dark(good[f"x_{split}"].shape, highest)}
    (caveat,) = data.caveats(load_npz(tmp_path, changed))
    name = {"train": "training", "test": "test"}[split]
    assert caveat.startswith(f"The {name} images are nearly black: no value is above {highest} of 255")


def test_caveats(tmp_path: Path) -> None:
    """Ordinary images have none, black and white ones in 0 and 255 neither; classes without images are named."""
    good = arrays()
    assert data.caveats(load_npz(tmp_path, good)) == ()
    black_and_white = arrays(x_train=255 * (good["x_train"] > 99), x_test=255 * (good["x_test"] > 99))
    assert data.caveats(load_npz(tmp_path, black_and_white)) == ()
    some = arrays(class_names=np.array([*"abcdefgh"]), y_train=np.arange(12) % 2, y_test=np.ones(6, int))
    assert data.caveats(load_npz(tmp_path, some)) == (
        "No training image is of class c, d, e, f, g, …: 6 of 8 classes cannot be learned.",
        "Every test image is of class b.",
    )


@pytest.mark.parametrize("name", ["cifar10", "digits", "synthetic"])
def test_no_caveat_on_datasets_of_the_catalog(name: str, request: pytest.FixtureRequest) -> None:
    """What wncompare offers itself is free of them."""
    folder = request.getfixturevalue("real_data_dir") if name == "cifar10" else None
    assert data.caveats(data.load(name, data_dir=folder)) == ()


def test_pipes_are_refused(folder: Path) -> None:
    """A pipe in an image's or an archive's place is refused at once; to open it would wait for a writer."""
    os.mkfifo(folder / "pipe.npz")
    with pytest.raises(DatasetError, match=r"pipe\.npz .*not a plain file"):
        data.load("npz", NpzOptions(path=str(folder / "pipe.npz")))
    (folder / "test" / "dog" / "1.png").unlink()
    os.mkfifo(folder / "test" / "dog" / "1.png")
    refuse(folder, r"1\.png cannot be read as an image \(.*not a plain file")


def test_npz_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A truncated file, one that is no archive, a member that is no array, and a bomb are refused."""
    load_npz(tmp_path, arrays())
    path = tmp_path / "mine.npz"
    raw = path.read_bytes()
    options = NpzOptions(path=str(path))
    for damage in (raw[:200], b"", b"\x93NUMPY", raw[:60] + b"\xff" * 40 + raw[100:]):
        path.write_bytes(damage)
        with pytest.raises(DatasetError, match="is no archive of plain arrays"):
            data.load("npz", options)
    with zipfile.ZipFile(path, "w") as archive:
        for name in arrays():
            archive.writestr(f"{name}.npy", b"not an array")
    with pytest.raises(DatasetError, match=r"mine\.npz"):
        data.load("npz", options)
    load_npz(tmp_path, arrays())
    monkeypatch.setattr("wncompare.data.sources.npz.memory", lambda: 1000)
    with pytest.raises(DatasetError, match=r"unpacks to 2,\d+ bytes, more than 1,000"):
        data.load("npz", options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images of two classes in each split, 4 high and 5 wide, lossless."""
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            (tmp_path / "pets" / split / name).mkdir(parents=True)
            for i in range(3):
                pixels = RNG.integers(0, 256, (4, 5, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / "pets" / split / name / f"{i}.png")
    return tmp_path / "pets"


def load_folder(folder: Path, **options: Any) -> data.Dataset:
    """Loads a folder by its name below its data folder."""
    return data.load("image_folder", ImageFolderOptions(path=folder.name, **options), data_dir=folder.parent)


def test_image_folder(folder: Path) -> None:
    """Images come in the order of classes and names, with their own pixels; hidden files are passed over."""
    (folder / "train" / "cat" / ".DS_Store").write_bytes(b"junk")
    dataset = load_folder(folder)
    files = [folder / "train" / name / f"{i}.png" for name in ("cat", "dog") for i in range(3)]
    np.testing.assert_array_equal(dataset.train.x, np.stack([np.array(Image.open(file)) for file in files]))
    assert dataset.train.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert (dataset.class_names, dataset.label, dataset.form.input.shape) == (("cat", "dog"), "pets", (4, 5, 3))


def test_image_folder_options(folder: Path) -> None:
    """A size is height × width, grey images have one channel; JPEG, transparency and palettes are read."""
    Image.new("RGBA", (9, 9), (255, 0, 0, 0)).save(folder / "train" / "cat" / "clear.png")
    Image.new("P", (3, 3)).save(folder / "train" / "cat" / "palette.bmp")
    Image.new("L", (3, 3), 7).save(folder / "train" / "cat" / "photo.JPG")
    assert load_folder(folder, size=(6, 8)).form.input.shape == (6, 8, 3)
    grey = load_folder(folder, size=(2, 2), color="grayscale", label="Pets")
    assert (grey.form.input.shape, grey.label, grey.train.x[5].ravel().tolist()) == ((2, 2, 1), "Pets", [7] * 4)


def test_turned_photos(folder: Path) -> None:
    """A photo is turned as its EXIF orientation says."""
    photo = Image.new("L", (5, 4), 9)
    photo.getexif()[0x0112] = 6
    photo.save(folder / "train" / "cat" / "0.png", exif=photo.getexif())
    with pytest.raises(DatasetError, match=r"0\.png \(5, 4\) pixels high and wide: give a size"):
        load_folder(folder)


def refuse(folder: Path, message: str, **options: Any) -> None:
    """Asserts that the folder is refused in one line that names it."""
    with pytest.raises(DatasetError, match=message) as caught:
        load_folder(folder, **options)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_image_folder_refusals(folder: Path) -> None:
    """Damaged images, other files, other sizes, deep images and empty classes are refused by their path."""
    image = folder / "test" / "dog" / "1.png"
    raw = image.read_bytes()
    for damage in (raw[: len(raw) // 2], b"", b"<svg/>"):
        image.write_bytes(damage)
        refuse(folder, r"1\.png cannot be read as an image")
    Image.new("RGB", (6, 4)).save(image)
    refuse(folder, r"1\.png is \(4, 6\), 0\.png \(4, 5\) pixels high and wide: give a size, such as size: \[32, 32\]")
    Image.new("I;16", (5, 4)).save(image)
    refuse(folder, r"1\.png has 16 bits a channel, more than 8: save it with 8")
    image.rename(image.with_suffix(".tiff"))
    refuse(folder, r"1\.tiff is not an image that can be read: use \.png, \.jpg")
    for path in image.parent.iterdir():
        path.unlink()
    refuse(folder, "dog holds no image: every class needs some")


def png(depth: int, colour: int, rows: list[bytes], *, width: int, extra: bytes = b"") -> bytes:
    """A PNG written by its specification: header, `extra` chunks, unfiltered rows."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6


@pytest.mark.parametrize(("colour", "channels"), [(GREY, 1), (RGB, 3), (GREY_ALPHA, 2), (RGBA, 4)])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_16_bits_a_channel(folder: Path, colour: int, channels: int, suffix: str) -> None:
    """16-bit PNGs of every kind, whatever their name ends in, are refused; at 8 bits the same pixels are read."""
    path = folder / "train" / "cat" / f"deep{suffix}"
    path.write_bytes(png(16, colour, [bytes(range(10 * channels))] * 4, width=5))
    for color in ("rgb", "grayscale"):
        refuse(folder, rf"deep\{suffix} has 16 bits a channel, more than 8: save it with 8", color=color)
    path.write_bytes(png(8, colour, [bytes(range(5 * channels))] * 4, width=5))
    values = np.arange(5 * channels).reshape(5, channels)
    expected = values[:, :3] if channels > 2 else values[:, :1].repeat(3, axis=1)
    np.testing.assert_array_equal(load_folder(folder).train.x[3], np.broadcast_to(expected, (4, 5, 3)))


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_few_bits_a_channel(folder: Path, depth: int) -> None:
    """Grey PNGs of 1, 2 and 4 bits go from 0 to 255 as those of 8 do; palettes of as many bits give their colours."""
    highest, per_byte = 2**depth - 1, 8 // depth
    values = [0, highest, highest // 2, 1, 0]
    padded = values + [0] * (-len(values) % per_byte)
    row = bytes(
        sum(value << (8 - depth * (i + 1)) for i, value in enumerate(padded[start : start + per_byte]))
        for start in range(0, len(padded), per_byte)
    )
    path = folder / "train" / "cat" / "3.png"
    path.write_bytes(png(depth, GREY, [row] * 4, width=5))
    expected = np.array(values) * 255 // highest
    np.testing.assert_array_equal(load_folder(folder, color="grayscale").train.x[3, 0, :, 0], expected)
    colours = RNG.integers(0, 256, (highest + 1, 3), dtype=np.uint8)
    palette = struct.pack(">I", colours.size) + b"PLTE" + colours.tobytes()
    palette += struct.pack(">I", zlib.crc32(b"PLTE" + colours.tobytes()))
    path.write_bytes(png(depth, 3, [row] * 4, width=5, extra=palette))
    np.testing.assert_array_equal(load_folder(folder).train.x[3, 0], colours[values])


def test_cmyk(folder: Path) -> None:
    """A CMYK JPEG is read as the colours it prints: no ink is white, full yellow and magenta red, black ink black."""
    inks = {
        "3.jpg": ((0, 0, 0, 0), (255, 255, 255)),
        "4.jpg": ((0, 255, 255, 0), (255, 0, 0)),
        "5.jpg": ((0, 0, 0, 255), (0, 0, 0)),
    }
    for name, (ink, _) in inks.items():
        Image.new("CMYK", (5, 4), ink).save(folder / "train" / "cat" / name, quality=100)
    read = load_folder(folder).train.x
    for image, (_, colour) in zip(read[3:6], inks.values(), strict=True):
        np.testing.assert_allclose(image, np.broadcast_to(colour, (4, 5, 3)), atol=3)


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_animations(folder: Path, suffix: str) -> None:
    """An animated PNG or WebP is refused: no frame of it is the image. The preview in a camera's JPEG is none."""
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "blue")]
    path = folder / "train" / "cat" / f"moving.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    refuse(folder, rf"moving\.{suffix} is an animation: save the one image that is meant")
    path.unlink()
    frames[0].save(path.with_suffix(".jpg"), "MPO", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(load_folder(folder).train.x[3], np.broadcast_to((255, 0, 0), (4, 5, 3)), atol=3)


def test_image_bomb(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image with more pixels than Pillow thinks safe is refused before it is decoded."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    refuse(folder, "cannot be read as an image .*decompression bomb")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 19)
    refuse(folder, "cannot be read as an image .*decompression bomb")


def test_class_folders(folder: Path) -> None:
    """Classes that only one split has are named; a missing split and a single class are refused."""
    (folder / "test" / "cow").mkdir()
    refuse(folder, r"train/ and test/ differ in the classes cow")
    (folder / "test" / "cow").rmdir()
    (folder / "test").rename(folder / "validation")
    refuse(folder, r"test cannot be read \(No such file or directory\): expected train/<class>/ and test/<class>/")
    (folder / "train").rename(folder / "old")
    (folder / "train").mkdir()
    (folder / "test").mkdir()
    refuse(folder, "holds no class")
