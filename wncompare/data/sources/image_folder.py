"""A user's own folders of images."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from wncompare.catalog.datasets import ImageFolderOptions
from wncompare.data.checks import check_pair
from wncompare.data.dataset import Dataset, Split, allocate
from wncompare.data.files.store import find_own
from wncompare.data.source import Lookup
from wncompare.errors import DatasetError
from wncompare.storage.files import open_plain

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".webp": "WEBP"}
MODES = {"rgb": "RGB", "grayscale": "L"}
ANIMATED = ("PNG", "WEBP")  # a camera's JPEG may have a second image, a preview
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_DEPTH = 24
"""The byte of a PNG that has its bits a channel. Pillow does not tell: of 16-bit colours it gives the high bytes."""


def image_folder(options: ImageFolderOptions, lookup: Lookup) -> Dataset:
    """The images in train/<class>/ and test/<class>/, in the order of their names, as RGB or grey.

    They are turned as their EXIF data says, stripped of transparency, and resized (bilinear) where `options.size` is
    given. Hidden files are passed over. Raises DatasetError for other files, classes that differ between train and
    test, images that cannot be read, are deeper than 8 bits a channel, animated, very large, or of different sizes
    where none is given.
    """
    root = find_own(options.path, lookup.data_dir)
    names = _class_names(root)
    train, test = (_split(root / split, names, options) for split in ("train", "test"))
    check_pair(train, test, names, str(root))
    return Dataset("image_folder", options.label or root.name, train, test, names)


def _class_names(root: Path) -> tuple[str, ...]:
    """The names of the folders in train/, which are those in test/."""
    train, test = ({path.name for path in _visible(root / split)} for split in ("train", "test"))
    if train != test:
        raise DatasetError(
            f"{root}: train/ and test/ differ in the classes {', '.join(sorted(train ^ test))}: make them alike"
        )
    if not train:
        raise DatasetError(f"{root}/train holds no class: expected train/<class>/ and test/<class>/")
    return tuple(sorted(train))


def _split(folder: Path, names: tuple[str, ...], options: ImageFolderOptions) -> Split:
    files = [(path, label) for label, name in enumerate(names) for path in _images(folder / name)]
    first = _read(files[0][0], options)
    x = allocate((len(files), *first.shape))
    for image, (path, _) in zip(x, files, strict=True):
        pixels = _read(path, options)
        if pixels.shape != first.shape:
            sizes = f"{pixels.shape[:2]}, {files[0][0].name} {first.shape[:2]}"
            raise DatasetError(f"{path} is {sizes} pixels high and wide: give a size, such as size: [32, 32]")
        image[:] = pixels
    return Split(x, np.array([label for _, label in files], dtype=np.int64))


def _images(folder: Path) -> list[Path]:
    """The images in a class's folder, at least one."""
    files = _visible(folder)
    other = next((path for path in files if path.suffix.lower() not in FORMATS), None)
    if other is not None:
        raise DatasetError(f"{other} is not an image that can be read: use {', '.join(FORMATS)}, or move it away")
    if not files:
        raise DatasetError(f"{folder} holds no image: every class needs some")
    return files


def _read(path: Path, options: ImageFolderOptions) -> NDArray[np.uint8]:
    """One image, uint8 (height, width, channels)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's notes on transparency and metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(path, options)
    except (
        OSError,
        ValueError,
        SyntaxError,
        MemoryError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise DatasetError(f"{path} cannot be read as an image ({error}): replace it or move it away") from error


def _decode(path: Path, options: ImageFolderOptions) -> NDArray[np.uint8]:
    with open_plain(path) as stream:
        _check_depth(stream.read(PNG_DEPTH + 1), path)
        stream.seek(0)
        with Image.open(stream, formats=sorted(set(FORMATS.values()))) as image:
            if image.format in ANIMATED and getattr(image, "is_animated", False):
                raise DatasetError(f"{path} is an animation: save the one image that is meant")
            pixels = ImageOps.exif_transpose(image).convert(MODES[options.color])
    if options.size:
        pixels = pixels.resize(options.size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(pixels, dtype=np.uint8).reshape(pixels.height, pixels.width, -1)


def _check_depth(header: bytes, path: Path) -> None:
    if header.startswith(PNG_SIGNATURE) and header[-1] > 8:
        raise DatasetError(f"{path} has {header[-1]} bits a channel, more than 8: save it with 8")


def _visible(folder: Path) -> list[Path]:
    """What is in a folder, in the order of the names, but hidden files."""
    try:
        visible = [path for path in folder.iterdir() if not path.name.startswith(".")]
        return sorted(visible, key=lambda path: path.name)
    except OSError as error:
        raise DatasetError(
            f"{folder} cannot be read ({error.strerror}): expected train/<class>/ and test/<class>/"
        ) from error
