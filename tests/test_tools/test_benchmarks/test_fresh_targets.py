"""Targets that are cut out of annotated images, and of the pool."""

import numpy as np
import pytest
from PIL import Image

import fresh_targets
from mmtaskssl.utils.families import FileMissing, OutTaken

_XML = """<annotation><size><width>90</width><height>80</height></size>{}</annotation>
"""
_OBJECT = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin>"
    "<ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def _image(path, size=(90, 80), value=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.stem))
    pixels = rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels if value is None else value).save(path)


@pytest.fixture
def data(tmp_path):
    data = tmp_path / "data"
    voc = data / "detection" / "voc2007_small"
    (voc / "Annotations").mkdir(parents=True)
    for number in range(30):
        _image(voc / "JPEGImages" / f"{number:06d}.jpg")
        things = [
            ("cat", 0, 11, 1, 50, 40),
            ("mouse", 0, 1, 1, 20, 70),  # too narrow
            ("dog", 1, 1, 1, 80, 70),  # difficult
        ]
        if number < 21:  # 12 to learn from, and one too few to be tried on
            things.append(("cow", 0, 31, 21, 90, 80))
        text = _XML.format("".join(_OBJECT.format(*thing) for thing in things))
        (voc / "Annotations" / f"{number:06d}.xml").write_text(text)
    camvid = data / "segmentation" / "camvid"
    for part, count in (("train", 25), ("val", 15), ("test", 15)):
        for number in range(count):
            labels = np.full((64, 112), 11, np.uint8)  # void
            labels[:, :48] = 3
            labels[:, 64:] = 5 if part == "train" else 4  # not in both
            labels[:28] = 0  # sky fills no window to 60 %
            name = f"{part}{number:03d}"
            _image(camvid / "ann" / part / f"{name}.png", value=labels)
            _image(camvid / "img" / part / f"{name}.jpg", (112, 64))
    (data / "pool").mkdir()
    lines = ["image,source"]
    for number in range(90):
        name = f"00/{number:06d}.jpg"
        _image(data / "pool" / "images" / name, (32, 32))
        lines.append(f"{name},{'ab'[number % 2]}")
    (data / "pool" / "sources.csv").write_text("\n".join(lines) + "\n")
    _image(data / "classification" / "known" / "train" / "x" / "0.jpg")
    return data


def _counts(folder):
    return {
        part: {p.name: len([*p.iterdir()]) for p in sorted((folder / part).iterdir())}
        for part in ("train", "test")
    }


def test_classes_that_have_enough_become_targets(data, tmp_path, capsys):
    out = tmp_path / "out"
    fresh_targets.main(["--data", str(data), "--out", str(out)])
    found = {p.name: p for p in (out / "classification").iterdir()}
    assert {*found} == {"known", "objects", "streets", "sources"}
    assert _counts(found["objects"]) == {"train": {"cat": 12}, "test": {"cat": 18}}
    assert _counts(found["streets"]) == {"train": {"road": 20}, "test": {"road": 30}}
    halves = {"a": 20, "b": 20}
    assert _counts(found["sources"]) == {"train": halves, "test": {"a": 25, "b": 25}}
    assert "objects: 1 classes (cat 12+18)" in capsys.readouterr().out
    assert (out / "pool" / "sources.csv").is_file()
    with pytest.raises(OutTaken):
        fresh_targets.main(["--data", str(data), "--out", str(out)])


def test_no_image_is_on_both_sides(data):
    pieces = [*fresh_targets.objects(data / "detection" / "voc2007_small")]
    assert {name for name, _ in pieces} == {"cat", "cow"}
    path, box = pieces[0][1]
    # 40 pixels and 15 % on each side, but for what the image does not have.
    assert box == (4, 0, 56, 46) and path.name == "000000.jpg"
    kept = fresh_targets.spaced([piece for _, piece in pieces], 12)
    assert len({*kept}) == 12 and fresh_targets.spaced(kept, 99) == kept


def test_windows_are_the_fullest_of_their_class(data):
    task = data / "segmentation" / "camvid"
    found = [*fresh_targets.streets(task, ["train"])]
    assert [name for name, _ in found[:2]] == ["road", "tree"]
    boxes = [box for _, (_, box) in found[:2]]
    assert boxes == [(0, 16, 48, 64), (64, 16, 112, 64)]


def test_a_folder_without_the_tasks_is_refused(tmp_path):
    with pytest.raises(FileMissing, match="--data"):
        fresh_targets.main(["--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
