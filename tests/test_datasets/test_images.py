import errno
import io
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from mmtaskssl.config import load_config
from mmtaskssl.customize.inspection.class_folders import read_class_folders
from mmtaskssl.datasets import (
    BrokenImage,
    LabeledImages,
    UnlabeledImages,
    list_images,
    read_image,
)
from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.features.extract import extract
from mmtaskssl.features.extractor import FeatureExtractor
from mmtaskssl.features.runner import BatchRunner
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder


@pytest.fixture
def photo():
    """A smooth colour image, 30 x 44."""
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8))
    return small.resize((44, 30), Image.Resampling.BICUBIC)


def _saved(tmp_path, image, name="x.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "YCbCr", "CMYK"])
def test_opaque_modes_become_rgb(tmp_path, photo, mode):
    image = photo.convert(mode)
    # Pillow 12 cannot read its own YCbCr TIFFs; as JPEG they are the common case.
    suffix = {"YCbCr": ".jpg", "CMYK": ".tif"}.get(mode, ".png")
    path = _saved(tmp_path, image, f"x{suffix}")
    expected = np.asarray(Image.open(path).convert("RGB"))
    read = read_image(path)
    assert read.dtype == np.uint8
    assert read.flags.writeable
    np.testing.assert_array_equal(read, expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_are_white(tmp_path, photo, mode):
    image = photo.convert(mode)
    alpha = np.full((30, 44), 255, np.uint8)
    alpha[:, :20] = 0
    image.putalpha(Image.fromarray(alpha))
    read = read_image(_saved(tmp_path, image))
    assert (read[:, :20] == 255).all()
    opaque = photo if mode == "RGBA" else photo.convert("L").convert("RGB")
    np.testing.assert_array_equal(read[:, 20:], np.asarray(opaque)[:, 20:])


def test_transparent_palette_colour_is_white(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], np.uint8), mode="P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    path = _saved(tmp_path, image, "x.gif", transparency=0)
    assert read_image(path).tolist() == [[[255] * 3, [40, 50, 60]]]


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_16_bit_keeps_the_high_byte(tmp_path, dtype):
    values = np.array([[0, 256, 32768, 65535]], dtype)
    suffix = ".png" if dtype == np.uint16 else ".tif"
    read = read_image(_saved(tmp_path, Image.fromarray(values), f"x{suffix}"))
    assert read[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize("kind", ["grey", "colour", "alpha", "wide", "tiff"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_fewer_bits_in_a_file_of_16_keep_their_levels(tmp_path, bits, kind):
    """Of 10 bits the high byte would be four levels."""
    high = 2**bits - 1
    levels = np.arange(256) * high // 255
    if kind in ("grey", "wide"):
        dtype = np.uint16 if kind == "grey" else np.int32
        suffix = "png" if kind == "grey" else "tif"
        image = Image.fromarray(levels[None].astype(dtype))
        path = _saved(tmp_path, image, f"x.{suffix}")
    else:
        pixels = np.stack([levels, levels[::-1], levels], -1)[None].astype(np.uint16)
        if kind == "alpha":
            opaque = np.full((1, 256, 1), 65535, np.uint16)
            pixels = np.concatenate([pixels, opaque], -1)
        path = tmp_path / ("x.tif" if kind == "tiff" else "x.png")
        cv2.imwrite(str(path), pixels)
    read = read_image(path)
    assert read.shape == (1, 256, 3) and read.dtype == np.uint8
    np.testing.assert_array_equal(read[0, :, 0], levels >> (bits - 8))
    assert len({*read[0, :, 0].tolist()}) == 256
    if kind not in ("grey", "wide"):
        np.testing.assert_array_equal(read[0, :, 1], read[0, ::-1, 0])


def test_whole_16_bits_of_colour_are_read_as_ever(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 65536, (8, 9, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "x.png"), values)
    expected = np.asarray(Image.open(tmp_path / "x.png").convert("RGB"))
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), expected)


def test_few_bits_are_turned_upright_too(tmp_path):
    values = np.arange(6, dtype=np.uint16).reshape(2, 3) * 100
    exif = Image.Exif()
    exif[0x0112] = 6
    path = _saved(tmp_path, Image.fromarray(values), "x.png", exif=exif)
    assert read_image(path).shape == (3, 2, 3)
    cv2.imwrite(str(tmp_path / "y.png"), np.stack([values] * 3, -1))
    with Image.open(tmp_path / "y.png") as image:
        assert image.mode == "RGB" and ";16" in str(image.tile)


def test_float_is_stretched(tmp_path):
    values = np.array([[-1.0, 0.0, 1.0]], np.float32)
    read = read_image(_saved(tmp_path, Image.fromarray(values), "x.tif"))
    assert read[0, :, 1].tolist() == [0, 127, 255]


def test_16_bit_colour_goes_to_opencv(tmp_path):
    values = np.zeros((2, 3, 3), np.uint16)
    values[..., 0] = 65535  # blue, in OpenCV's order
    cv2.imwrite(str(tmp_path / "x.tif"), values)
    assert (read_image(tmp_path / "x.tif") == [0, 0, 255]).all()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(tmp_path, photo, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = _saved(tmp_path, photo, f"x{suffix}", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(path))
    np.testing.assert_array_equal(read_image(path), np.asarray(expected))


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"subsampling": 0}),
        ("RGB", {"subsampling": 2}),
        ("RGB", {"progressive": True}),
        ("L", {}),
        ("CMYK", {}),
    ],
)
def test_jpeg_pixels_are_pillows(tmp_path, photo, mode, options):
    path = _saved(tmp_path, photo.convert(mode), "x.jpg", quality=85, **options)
    expected = np.asarray(Image.open(path).convert("RGB"))
    np.testing.assert_array_equal(read_image(path), expected)


def test_jpeg_with_trailing_bytes_is_read(tmp_path, photo):
    path = _saved(tmp_path, photo, "x.jpg")
    expected = read_image(path)
    path.write_bytes(path.read_bytes() + b"camera notes")
    np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_truncated_file_is_broken(tmp_path, photo, suffix):
    path = _saved(tmp_path, photo, f"x{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BrokenImage, match=r"x\."):
        read_image(path)


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xd9", None])
def test_what_is_no_image_is_broken(tmp_path, content):
    path = tmp_path / "x.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BrokenImage, match=r"x\.jpg"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("side", [100, 60, 40])
def test_short_side_shrinks_as_pillow_does(tmp_path, photo, suffix, side):
    # 40 of 120 also takes the way of JPEG's scaled decoding.
    large = photo.resize((176, 120), Image.Resampling.BICUBIC)
    path = _saved(tmp_path, large, f"x{suffix}", quality=95)
    read = read_image(path, short_side=side).astype(int)
    assert read.shape == (side, round(176 * side / 120), 3)
    whole = Image.open(path).convert("RGB")
    expected = whole.resize(read.shape[1::-1], Image.Resampling.BILINEAR)
    assert np.abs(read - np.asarray(expected)).mean() < 1.5


def test_short_side_leaves_smaller_images_alone(tmp_path, photo):
    path = _saved(tmp_path, photo)
    np.testing.assert_array_equal(read_image(path, short_side=30), np.asarray(photo))


def test_folder_is_searched_in_sorted_order(tmp_path):
    make_image_folder(tmp_path / "b", 1, classes=())
    make_image_folder(tmp_path / "a" / "c", 2, classes=(), suffix=".JPG")
    (tmp_path / "a" / "notes.txt").write_text("no image")
    make_image_folder(tmp_path / ".hidden", 1, classes=())
    (tmp_path / "b" / "._000.png").write_bytes(b"macOS")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    root, ids = list_images(tmp_path)
    assert root == tmp_path
    assert ids == ["a/c/000.JPG", "a/c/001.JPG", "b/000.png"]


def test_relative_folder(tmp_path, monkeypatch):
    make_image_folder(tmp_path / "pool", 1, classes=("a",))
    monkeypatch.chdir(tmp_path)
    assert list_images("pool")[1] == ["a/000.png"]
    assert list_images("pool", root=".")[1] == ["pool/a/000.png"]


def _lists(tmp_path, names):
    (tmp_path / "list.txt").write_text("\n".join(names) + "\n\n")
    rows = "".join(f"{i},{name}\n" for i, name in enumerate(names))
    (tmp_path / "list.csv").write_text("number,path\n" + rows)
    rows = [json.dumps({"path": name, "n": 1}) for name in names]
    (tmp_path / "list.jsonl").write_text("\n".join(rows))


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".jsonl"])
def test_lists_keep_their_order(tmp_path, suffix):
    make_image_folder(tmp_path / "images", 3, classes=())
    names = ["images/002.png", "images/000.png"]
    _lists(tmp_path, names)
    assert list_images(tmp_path / f"list{suffix}") == (tmp_path, names)
    root = tmp_path / "images"
    _lists(tmp_path, ["002.png"])
    assert list_images(tmp_path / f"list{suffix}", root=root) == (root, ["002.png"])


def test_absolute_paths_in_a_list(tmp_path):
    make_image_folder(tmp_path / "images", 2, classes=("a", "b"))
    paths = [str(tmp_path / "images" / x) for x in ("b/001.png", "a/000.png")]
    _lists(tmp_path / "images", paths)
    source = tmp_path / "images" / "list.txt"
    assert list_images(source) == (tmp_path / "images", ["b/001.png", "a/000.png"])
    with pytest.raises(UserError, match="outside the root"):
        list_images(source, root=tmp_path / "images" / "a")


def test_a_named_column_is_used(tmp_path):
    make_image_folder(tmp_path, 2, classes=())
    (tmp_path / "t.csv").write_text("path,other\nx,001.png\n")
    assert list_images(tmp_path / "t.csv", column="other")[1] == ["001.png"]
    with pytest.raises(UserError, match="no column 'none'"):
        list_images(tmp_path / "t.csv", column="none")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.txt", "", "names no images"),
        ("t.txt", "gone.png\n", "name their folder with `root`"),
        ("t.csv", "", "names no images"),
        ("t.csv", "a,b\n1,2\n", "name the path column"),
        ("t.jsonl", '{"path": "a.png"}\nnot json\n', "line 2"),
        ("t.jsonl", '{"path": "a.png"}\n{"x": 1, "y": 2}\n', "path"),
        ("t.xml", "x", "neither a folder nor"),
    ],
)
def test_bad_lists(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        list_images(tmp_path / name)


def test_bad_sources(tmp_path):
    with pytest.raises(UserError, match="holds no images"):
        list_images(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        list_images(tmp_path / "gone")
    (tmp_path / "t.txt").write_bytes(b"\xff\xfe\x00bad")
    with pytest.raises(UserError, match="UTF-8"):
        list_images(tmp_path / "t.txt")


@pytest.mark.data
def test_measuring_images_read_as_pillow_reads_them(data_root):
    root, ids = list_images(data_root / "pool" / "images")
    for image_id in ids[:: len(ids) // 50]:
        data = (root / image_id).read_bytes()
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        np.testing.assert_array_equal(read_image(root / image_id), expected)


def test_a_folder_that_cannot_be_read_is_not_empty(tmp_path, monkeypatch):
    make_image_folder(tmp_path, 2, classes=("open", "shut"))
    scandir = os.scandir

    def refusing(path):
        if os.fspath(path).endswith("shut"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UserError, match=r"shut cannot be read \(Permission denied\)"):
        list_images(tmp_path)


@pytest.fixture
def told(monkeypatch):
    from mmtaskssl.datasets import images

    said = []
    monkeypatch.setattr(images, "print_log", lambda text, *a, **k: said.append(text))
    return said


def test_files_of_other_endings_are_said(tmp_path, told):
    make_image_folder(tmp_path, 2)
    list_images(tmp_path)
    for name in ("a/1.heic", "a/2.HEIC", "b/3.jxl", "b/DSC4", "b/notes.txt", "README"):
        (tmp_path / name).write_bytes(b"x")
    assert len(list_images(tmp_path)[1]) == 4
    (line,) = told
    assert "holds 4 images, and beside them 2 .heic, 1 .jxl, 1 without an end" in line
    for path in tmp_path.rglob("*.png"):
        path.unlink()
    with pytest.raises(UserError, match=r"no images, but 2 \.heic, .*: convert them"):
        list_images(tmp_path)


def test_a_class_of_other_endings_does_not_vanish(tmp_path):
    root = make_image_folder(tmp_path / "x", 2)
    (root / "c").mkdir()
    (root / "c" / "readme.txt").write_text("none yet")
    (root / ".hidden").mkdir()
    assert LabeledImages(root).class_names == ["a", "b"]
    (root / "c" / "1.heic").write_bytes(b"x")
    said = r"class folder .*c holds no image that is read here, but 1 \.heic"
    with pytest.raises(UserError, match=said):
        LabeledImages(root)
    with pytest.raises(UserError, match=said):
        read_class_folders(root)
    with pytest.raises(UserError, match=said):
        extract(_runner(), root, labels="folder")


def _runner():
    extractor = FeatureExtractor(torch.nn.Flatten(), "flat", "random")
    return BatchRunner(extractor, EvalTransform(8), "cpu", 4)


@pytest.mark.parametrize("option", ["images", "selection", "target", "weights"])
def test_an_empty_name_is_not_the_current_folder(option, tmp_path, monkeypatch):
    make_image_folder(tmp_path, 2)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="must be a path"):
        UnlabeledImages("")
    name = "configs/selfsup/simsiam/simsiam_resnet18_1xb256-coslr-20k_folder-64px.py"
    with pytest.raises(UserError, match=f"{option} must name something"):
        load_config(str(Path(__file__).parents[2] / name), {option: ""})


def test_a_name_with_a_line_break_is_refused_at_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "new\nline.png").touch()
    with pytest.raises(UserError, match=r"a/new\\nline.png' has a line break in its"):
        list_images(tmp_path)
