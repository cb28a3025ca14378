"""One rule for images of other than three channels of 8 bits, at every door."""

import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from mmtaskssl.customize.inspection.facts import look
from mmtaskssl.datasets import BrokenImage, PipelineImages, UnlabeledImages, read_image
from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.datasets.host_images import limited_images
from mmtaskssl.datasets.pixel_limit import size_in_header
from mmtaskssl.report import Thumbnails
from mmtaskssl.utils.errors import UserError

SIDE = 16


def tiff(values, colours, big=False):
    """Returns a TIFF of (H, W, bands) values, with bands beside colours unnamed."""
    height, width, bands = values.shape
    bits = 8 * values.itemsize
    tags = [
        *((256, 3, width), (257, 3, height), (258, 3, bits), (259, 3, 1)),
        *((262, 3, colours), (273, 4, 0), (277, 3, bands), (278, 3, height)),
        *((279, 4, values.nbytes), (284, 3, 1), (338, 3, 0)),
    ]
    head, entry = (16, 20) if big else (8, 12)
    size = (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    at_bits, at_data = head + size, head + size + 2 * bands
    out = struct.pack("<2s3HQ", b"II", 43, 8, 0, 16) if big else b""
    out = out or struct.pack("<2sHI", b"II", 42, 8)
    out += struct.pack("<Q" if big else "<H", len(tags))
    for tag, kind, value in tags:
        count, form = (1, "<Q" if big else "<I")
        if tag == 258 and bands > (4 if big else 2):
            count, value = bands, at_bits
        elif tag == 258 and bands > 1:
            count, value = bands, sum(bits << 16 * i for i in range(bands))
        value = at_data if tag == 273 else value
        out += struct.pack("<2H", tag, kind)
        out += struct.pack(form, count) + struct.pack(form, value)
    out += bytes(8 if big else 4) + struct.pack(f"<{bands}H", *[bits] * bands)
    return out + values.tobytes()


def files(folder):
    """Writes images that are read; returns what is expected of each."""
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (SIDE, SIDE), np.uint8)
    rgb = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    alpha = rng.integers(0, 2, (SIDE, SIDE), np.uint8) * 255
    deep, few = grey.astype(np.uint16) << 8 | 7, grey.astype(np.uint16) << 4 | 3
    three = np.dstack([grey] * 3)
    white = np.where(alpha[..., None] > 0, rgb, 255).astype(np.uint8)
    pale = np.where(alpha[..., None] > 0, three, 255).astype(np.uint8)
    wide = rgb.astype(np.uint16) << 4
    found = {}

    def save(name, image, expected):
        if isinstance(image, bytes):
            (folder / name).write_bytes(image)
        elif isinstance(image, np.ndarray):
            cv2.imwrite(str(folder / name), image)
        else:
            image.save(folder / name)
        found[name] = expected

    for suffix in ("png", "tif"):
        save(f"grey.{suffix}", Image.fromarray(grey), three)
        save(f"grey16.{suffix}", Image.fromarray(deep), three)
        save(f"grey12in16.{suffix}", Image.fromarray(few), three)
        save(f"rgb.{suffix}", Image.fromarray(rgb), rgb)
        save(f"rgba.{suffix}", Image.fromarray(np.dstack([rgb, alpha])), white)
        save(f"la.{suffix}", Image.fromarray(np.dstack([grey, alpha])), pale)
        save(f"rgb12in16.{suffix}", wide[..., ::-1], rgb)
    save("palette.png", Image.fromarray(grey).convert("P"), three)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(rgb).save(folder / "turned.png", exif=turned)
    found["turned.png"] = np.rot90(rgb, -1)
    save("fourth.tif", tiff(np.dstack([rgb, alpha]), 2), rgb)  # not said to be alpha
    Image.fromarray(np.dstack([rgb, alpha]), "CMYK").save(folder / "cmyk.jpg")
    found["cmyk.jpg"] = read_image(folder / "cmyk.jpg")
    return found


def refused(folder):
    """Writes images of bands that are not read, and returns how many they have."""
    rng, found = np.random.default_rng(1), {}
    for bands, colours in ((3, 1), (4, 1), (5, 1), (5, 2), (8, 2), (13, 1)):
        for kind in (np.uint8, np.uint16):
            for big in (False, True):
                values = rng.integers(0, 255, (SIDE, SIDE, bands)).astype(kind)
                name = f"{bands}-{colours}-{np.dtype(kind).name}-{big}.tif"
                (folder / name).write_bytes(tiff(values, colours, big))
                found[name] = bands
    return found


def host_reader():
    loading = pytest.importorskip("mmcv.transforms.loading")
    return loading.LoadImageFromFile(imdecode_backend="cv2")


def test_every_door_gives_the_same_pixels(tmp_path):
    expected, load = files(tmp_path), host_reader()
    import mmcv

    training = UnlabeledImages(str(tmp_path))
    pipeline = PipelineImages(str(tmp_path), [{"type": "LoadImageFromFile"}])
    frames = EvalTransform(SIDE, resize_ratio=1)
    assert {*training.image_ids} == {*expected}
    for index, name in enumerate(training.image_ids):
        path, pixels = tmp_path / name, expected[name]
        found = {
            "reader": read_image(path),
            "training": training[index]["inputs"].permute(1, 2, 0).numpy(),
            "pipeline": pipeline[index]["img"][..., ::-1],
            "extraction": frames.read(path),
        }
        with limited_images():
            found["host"] = load({"img_path": str(path)})["img"][..., ::-1]
            found["mmcv.imread"] = mmcv.imread(str(path), channel_order="rgb")
        for door, given in found.items():
            np.testing.assert_array_equal(given, pixels, f"{name}: {door}")
        (facts,), _ = look(tmp_path, [name])
        assert not facts.broken
        assert "<img" in Thumbnails().tag(path, name)


def test_every_door_refuses_other_bands_in_the_same_words(tmp_path):
    load = host_reader()
    for name, bands in refused(tmp_path).items():
        path = tmp_path / name
        words = f"it has {bands} bands, which are not read as colours: write the three"
        for read in (read_image, EvalTransform(SIDE).read):
            with pytest.raises(BrokenImage, match=rf"{name}: {words}"):
                read(path)
        with limited_images(), pytest.raises(UserError, match=rf"{name}.*: {words}"):
            load({"img_path": str(path)})
        (facts,), _ = look(tmp_path, [name])
        assert facts.broken.startswith(words)
        assert "unreadable" in Thumbnails().tag(path, "x")
        assert size_in_header(path.read_bytes()) == (SIDE, SIDE)


def test_masks_are_as_they_are_and_what_is_no_image_is_named(tmp_path):
    loading = pytest.importorskip("mmcv.transforms.loading")
    values = np.random.default_rng(0).integers(0, 256, (99, 99), np.uint8)
    cv2.imwrite(str(tmp_path / "mask.png"), values)
    cv2.imwrite(str(tmp_path / "x.jpg"), values)
    whole = (tmp_path / "x.jpg").read_bytes()
    (tmp_path / "none.jpg").write_bytes(whole[:60])
    mask = loading.LoadImageFromFile(color_type="unchanged", imdecode_backend="pillow")
    with limited_images():
        found = mask({"img_path": str(tmp_path / "mask.png")})["img"]
        np.testing.assert_array_equal(found, values)
        with pytest.raises(UserError, match=r"none\.jpg: .*: remove it"):
            host_reader()({"img_path": str(tmp_path / "none.jpg")})
