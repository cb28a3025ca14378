"""An image's size is judged from its header, and what is no image is not waited for."""

import io
import os
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from mmtaskssl.datasets import BrokenImage, read_image
from mmtaskssl.datasets.host_images import limited_images
from mmtaskssl.datasets.image_reader import open_picture, read_reduced, shrink
from mmtaskssl.datasets.pixel_limit import (
    MAX_PIXELS,
    MAX_PIXELS_VARIABLE,
    max_pixels,
    pixel_limit,
    size_in_header,
)
from mmtaskssl.utils.errors import UserError
from tests.test_tools._hostile_data import bomb


@pytest.fixture(autouse=True)
def no_limit_of_the_user(monkeypatch):
    monkeypatch.delenv(MAX_PIXELS_VARIABLE, raising=False)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded")
    )
    (tmp_path / "x.png").write_bytes(bomb(60_000, 50_000))
    words = (
        r"it has 3,000,000,000 pixels \(60,000 x 50,000\), more than the limit of "
        r"128,000,000: read it with `max_pixels` 3000000000"
    )
    for read in (read_image, lambda path: open_picture(path).__enter__()):
        with pytest.raises(BrokenImage, match=words):
            read(tmp_path / "x.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".gif", ".tif", ".webp"])
def test_the_limit_is_exact_and_can_be_set(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    Image.new("RGB", (20, 10), (9, 99, 200)).save(path)
    with pixel_limit(199), pytest.raises(BrokenImage, match="200 pixels"):
        read_image(path)
    with pixel_limit(200):
        assert read_image(path).shape == (10, 20, 3)
    assert max_pixels() == MAX_PIXELS


def test_a_larger_image_than_pillow_would_read_is_read(tmp_path, monkeypatch):
    """Pillow's own limit does not judge, and is as it was before afterwards."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    Image.new("L", (20, 10), 7).save(tmp_path / "x.png")
    assert (read_image(tmp_path / "x.png") == 7).all()
    assert Image.MAX_IMAGE_PIXELS == 50


def test_sizes_in_headers(tmp_path):
    values = np.full((5, 7, 3), 40_000, np.uint16)
    wide = values.astype(np.float32)
    for name, image in (("x.tif", values), ("x.png", values), ("x.hdr", wide)):
        cv2.imwrite(str(tmp_path / name), image)
        assert size_in_header((tmp_path / name).read_bytes()) == (7, 5), name
    exr = (
        b"\x76\x2f\x31\x01"
        + bytes(4)
        + b"dataWindow\0box2i\0"
        + struct.pack("<5i", 16, 2, 1, 8, 5)
    )
    assert size_in_header(exr) == (7, 5)
    assert size_in_header(b"\x59\xa6\x6a\x95" + struct.pack(">2I", 7, 5)) == (7, 5)
    file = io.BytesIO()
    Image.new("L", (7, 5)).save(file, "JPEG")
    assert size_in_header(file.getvalue()) == (7, 5)
    for content in (b"", b"II*\0", b"#?RADIANCE\n", b"\x89PNG\r\n\x1a\n", exr[:30]):
        assert size_in_header(content) is None


@pytest.mark.parametrize("name", ["x.tif", "x.hdr"])
def test_what_opencv_decodes_is_limited_too(tmp_path, name):
    values = np.full((10, 20, 3), 40_000, np.uint16)
    values = values.astype(np.float32) if name == "x.hdr" else values
    cv2.imwrite(str(tmp_path / name), values)
    assert read_image(tmp_path / name).shape == (10, 20, 3)
    with pixel_limit(199), pytest.raises(BrokenImage, match="200 pixels"):
        read_image(tmp_path / name)


def test_pipes_and_devices_are_no_images(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    for name, words in (("pipe.jpg", "named pipe"), ("zero.jpg", "a device")):
        with pytest.raises(BrokenImage, match=words):
            read_image(tmp_path / name)


def test_no_other_program_is_run_for_an_image(tmp_path, monkeypatch):
    monkeypatch.setattr("subprocess.check_call", lambda *a, **k: pytest.fail("ran"))
    (tmp_path / "x.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n%%EOF\n"
    )
    with pytest.raises(BrokenImage, match="no image format"):
        read_image(tmp_path / "x.png")


def test_a_huge_file_is_not_read_whole(tmp_path):
    """Much behind a small image, and much that is none; sparse, so it takes no disk."""
    Image.new("L", (7, 5)).save(tmp_path / "x.png")
    (tmp_path / "y.png").write_bytes(b"no image")
    for name in ("x.png", "y.png"):
        os.truncate(tmp_path / name, 1 << 40)
        with pytest.raises(BrokenImage, match=r"bytes, more than the limit|identify"):
            read_image(tmp_path / name)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I", "F", "I;16"])
def test_strips_give_the_pixels_of_the_whole(tmp_path, mode, monkeypatch):
    from mmtaskssl.datasets import colours

    rng = np.random.default_rng(0)
    if mode in ("RGBA", "LA"):
        values = rng.integers(0, 256, (50, 9, len(mode)), np.uint8)
        image = Image.fromarray(values, mode)
    else:
        values = rng.integers(0, 60_000, (50, 9))
        kind = {"I": np.int32, "F": np.float32, "I;16": np.uint16}[mode]
        image = Image.fromarray(values.astype(kind))
    image.save(tmp_path / "x.tif")
    whole = read_image(tmp_path / "x.tif")
    monkeypatch.setattr(colours, "_STRIP", 7)
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), whole)


def test_pipelines_of_the_hosts_are_limited(tmp_path):
    loading = pytest.importorskip("mmcv.transforms.loading")
    load = loading.LoadImageFromFile(imdecode_backend="cv2")
    (tmp_path / "bomb.png").write_bytes(bomb(60_000, 60_000))
    os.mkfifo(tmp_path / "pipe.png")
    Image.new("L", (20, 10), 7).save(tmp_path / "x.png")
    with limited_images():
        for name, words in (("bomb", "limit of 128,000,000"), ("pipe", "named pipe")):
            with pytest.raises(UserError, match=words):
                load({"img_path": str(tmp_path / f"{name}.png")})
        assert load({"img_path": str(tmp_path / "x.png")})["img"].shape[:2] == (10, 20)
    with limited_images(199), pytest.raises(UserError, match="200 pixels"):
        load({"img_path": str(tmp_path / "x.png")})
    assert load({"img_path": str(tmp_path / "x.png")})["img"].shape[:2] == (10, 20)


@pytest.mark.parametrize("kind", ["plain", "grey", "progressive", "turned"])
@pytest.mark.parametrize("side, times", [(90, 1), (45, 2), (26, 4), (13, 8), (11, 8)])
def test_reduced_decoding_is_that_of_pillow(tmp_path, kind, side, times):
    """Of a short side of 107: no smaller than the side that is asked for."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (9, 14, 3), dtype=np.uint8)
    photo = Image.fromarray(small).resize((153, 107), Image.Resampling.BICUBIC)
    options, exif = {"progressive": kind == "progressive"}, Image.Exif()
    if kind == "turned":
        exif[0x0112] = 6
    photo.convert("L" if kind == "grey" else "RGB").save(
        tmp_path / "x.jpg", exif=exif, **options
    )
    with Image.open(tmp_path / "x.jpg") as image:
        image.draft(None, (side, side))
        assert image.size == (-(-153 // times), -(-107 // times))
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    read = read_reduced(tmp_path / "x.jpg", side)
    np.testing.assert_array_equal(read, shrink(expected, side))


def test_decoding_loses_nothing_unless_it_is_asked_to(tmp_path, monkeypatch):
    Image.fromarray(np.arange(100 * 100 * 3, dtype=np.uint8).reshape(100, 100, 3)).save(
        tmp_path / "x.jpg"
    )
    flags = []
    imdecode = cv2.imdecode
    monkeypatch.setattr(
        "mmtaskssl.datasets.image_reader.cv2.imdecode",
        lambda data, flag: flags.append(flag) or imdecode(data, flag),
    )
    for read, side in [(read_image, 40), (read_image, 25), (read_reduced, 40)]:
        assert read(tmp_path / "x.jpg", side).shape == (side, side, 3)
    half = cv2.IMREAD_REDUCED_COLOR_2
    assert flags == [cv2.IMREAD_COLOR, half, half]
