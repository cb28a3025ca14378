"""Which images a source names, and one reader for every kind of image file."""

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional

from mmtaskssl.utils.errors import UserError

#: Endings that count as images when a folder is searched (compared in lower case).
# fmt: off
IMAGE_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".gif", ".tif", ".tiff",
    ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".tga", ".avif", ".exr",
    ".hdr", ".ras", ".sr",
))
# fmt: on
#: Column names tried, in this order, when a table's image column is not given.
PATH_COLUMNS = ("image", "path", "file", "filename", "file_name", "img_path")


class BrokenImage(Exception):
    """An image file that cannot be turned into pixels; the message says why."""


def read_image(path: str | os.PathLike, short_side: int | None = None) -> np.ndarray:
    """Reads an image file as 8-bit RGB, upright.

    EXIF rotation is applied; grey and palette images become RGB; transparent pixels
    are laid over white; CMYK is converted; 16-bit samples keep their high byte, and
    32-bit or float samples are stretched from their own minimum..maximum. The first
    frame of an animation is taken. Files that Pillow does not know go to OpenCV.

    Args:
        path: The file.
        short_side: If given, an image whose short side is longer is shrunk to it
            (antialiased, aspect kept); a smaller one stays as it is. JPEGs of at
            least twice that size are decoded at a fraction of the work.

    Returns:
        Array (H, W, 3), uint8.

    Raises:
        BrokenImage: The file is missing, truncated or no image.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
        if (pixels := _decode_plain_jpeg(data, short_side)) is not None:
            return shrink(pixels, short_side)
        try:
            image = Image.open(io.BytesIO(data))
        except Image.UnidentifiedImageError:
            image = _decode_with_opencv(data)
        return shrink(np.array(_to_rgb(image, short_side)), short_side)
    except Exception as error:  # Pillow's plugins raise anything on damaged files
        reason = str(error) or type(error).__name__
        raise BrokenImage(f"{path}: {reason}") from error


def _decode_plain_jpeg(data: bytes, short_side: int | None) -> np.ndarray | None:
    """Decodes a whole grey or colour JPEG, unless a fraction of it will do; else None.

    OpenCV gives the very pixels Pillow gives, EXIF rotation included, in half the
    time; but it also decodes files cut short, and inverts CMYK ones.
    """
    if data[:2] != b"\xff\xd8" or data[-2:] != b"\xff\xd9":
        return None
    frame = _jpeg_frame(data)
    if frame is None or frame[2] not in (1, 3):
        return None
    if short_side is not None and min(frame[:2]) >= 2 * short_side:
        return None
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _jpeg_frame(data: bytes) -> tuple[int, int, int] | None:
    """Returns height, width and channels from a JPEG's frame header."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = data[at + 5] << 8 | data[at + 6]
            width = data[at + 7] << 8 | data[at + 8]
            return height, width, data[at + 9]
        at += 2 + (data[at + 2] << 8 | data[at + 3])
    return None


def _decode_with_opencv(data: bytes) -> Image.Image:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("no image format that Pillow or OpenCV reads")
    return Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def _to_rgb(image: Image.Image, short_side: int | None) -> Image.Image:
    if short_side is not None and image.format == "JPEG":
        # libjpeg's scaled decoding; never below the wanted size
        image.draft(None, (2 * short_side, 2 * short_side))
    image.load()
    if image.getexif().get(0x0112, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        image = Image.fromarray(_stretch(np.asarray(image)))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or (
        "transparency" in image.info and image.mode != "RGB"
    ):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def shrink(pixels: np.ndarray, short_side: int | None) -> np.ndarray:
    """Shrinks an image (H, W, 3) to a short side, if it is larger; antialiased."""
    height, width = pixels.shape[:2]
    if short_side is None or min(height, width) <= short_side:
        return pixels
    scale = short_side / min(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    image = torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0)
    image = functional.interpolate(image, size, mode="bilinear", antialias=True)
    return image[0].permute(1, 2, 0).contiguous().numpy()


def _stretch(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float64)
    if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
        raise ValueError("holds pixels that are not finite")
    low, high = values.min(), values.max()
    if low >= 0 and 255 < high <= 65535 and (values == np.floor(values)).all():
        return (values / 256).astype(np.uint8)  # 16-bit samples in a wider mode
    return (255 * (values - low) / max(high - low, 1e-12)).astype(np.uint8)


def list_images(
    source: str | os.PathLike, root: str | None = None, column: str | None = None
) -> tuple[Path, list[str]]:
    """Lists the images that ``source`` names, without opening them.

    Args:
        source: A folder (searched recursively; hidden files are skipped), a ``.txt``
            with one path a line, or a ``.csv`` / ``.jsonl`` with a path column.
        root: The folder that listed paths are relative to. Default: the folder
            itself, or the one that holds the list.
        column: The path column of a table. Default: the only column, or the first
            of `PATH_COLUMNS` that the table has.

    Returns:
        The root folder and the image ids: POSIX paths relative to it, sorted for a
        folder, in file order for a list.

    Raises:
        UserError: The source does not exist, is empty, or names no usable path.
    """
    source = Path(source).expanduser()
    if source.is_dir():
        base = Path(root).expanduser() if root else source
        ids = [_relative(path, base, source) for path in _walk(source)]
        if not ids:
            raise UserError(f"folder {source} holds no images; check the path")
        return base, sorted(ids)
    if not source.is_file():
        raise UserError(f"image source {source} does not exist")
    readers = {".txt": _read_lines, ".csv": _read_csv, ".jsonl": _read_jsonl}
    if source.suffix.lower() not in readers:
        raise UserError(
            f"image source {source} is neither a folder nor a .txt, .csv or .jsonl list"
        )
    try:
        paths = list(readers[source.suffix.lower()](source, column))
    except UnicodeDecodeError:
        raise UserError(f"image list {source} is not UTF-8 text") from None
    if not paths:
        raise UserError(f"image list {source} names no images")
    base = Path(root).expanduser() if root else source.parent
    if root is None and all(os.path.isabs(path) for path in paths):
        base = Path(os.path.commonpath([os.path.dirname(path) for path in paths]))
    ids = [_relative(Path(path), base, source) for path in paths]
    if not any((base / image_id).exists() for image_id in ids[:20]):
        raise UserError(
            f"no image of list {source} is found below {base}; set the root folder"
        )
    return base, ids


def _walk(folder: Path) -> Iterator[Path]:
    seen = set()  # linked folders are followed, but circles of links are not
    for current, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(current)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if (
                not name.startswith(".")
                and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES
            ):
                yield Path(current, name)


def _relative(path: Path, base: Path, source: Path) -> str:
    try:
        # A relative folder source needs the prefix removed too, a listed one not.
        if path.is_absolute() or source.is_dir():
            path = path.absolute().relative_to(base.absolute())
    except ValueError:
        raise UserError(
            f"{path} (named by {source}) lies outside the root folder {base}"
        ) from None
    return path.as_posix()


def _read_lines(source: Path, column: str | None) -> Iterator[str]:
    with open(source, encoding="utf-8-sig") as file:
        for line in file:
            if line.strip():
                yield line.strip()


def _path_column(names: list[str], column: str | None, source: Path) -> str:
    if column is not None:
        if column in names:
            return column
        raise UserError(f"table {source} has no column {column!r}, only {names}")
    if len(names) == 1:
        return names[0]
    for name in PATH_COLUMNS:
        if name in names:
            return name
    raise UserError(f"name the path column of table {source}: one of {names}")


def _read_csv(source: Path, column: str | None) -> Iterator[str]:
    with open(source, encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        if not table.fieldnames:
            return
        column = _path_column(list(table.fieldnames), column, source)
        for row in table:
            if (row[column] or "").strip():
                yield row[column].strip()


def _read_jsonl(source: Path, column: str | None) -> Iterator[str]:
    with open(source, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                row = None
            if not isinstance(row, dict):
                raise UserError(f"line {number} of {source} is not a JSON object")
            column = _path_column(list(row), column, source)
            yield str(row[column])
