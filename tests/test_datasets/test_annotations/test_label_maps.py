import os

import numpy as np
from PIL import Image

from mmtaskssl.datasets.annotations import label_maps
from mmtaskssl.datasets.annotations.label_maps import judge_classes, look_at_masks


def save(path, pixels):
    Image.fromarray(np.array(pixels)).save(path)
    return path


def test_what_is_in_masks(tmp_path):
    eight = save(tmp_path / "a.png", np.array([[0, 3, 255]], np.uint8))
    sixteen = save(tmp_path / "b.png", np.array([[0], [300]], np.uint16))
    colour = save(tmp_path / "c.png", np.zeros((2, 2, 3), np.uint8))
    (tmp_path / "d.png").write_bytes(b"no image")
    paths = [eight, sixteen, colour, tmp_path / "d.png", tmp_path / "e.png"]
    done = []
    found = look_at_masks(paths, done.append)
    assert found[0] == {"width": 3, "height": 1, "values": [0, 3, 255]}
    assert found[1] == {"width": 1, "height": 2, "values": [0, 300]}
    assert found[2] == {"colour": True}
    assert "broken" in found[3] and found[4] == {"broken": "No such file or directory"}
    assert done == [5]


def test_a_mask_is_read_again_only_where_it_has_changed(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", np.array([[0, 3]], np.uint8))
    opened = []
    whole = label_maps.open_picture
    monkeypatch.setattr(
        label_maps, "open_picture", lambda path: opened.append(path) or whole(path)
    )
    assert [look_at_masks([path])[0]["values"] for _ in range(2)] == [[0, 3]] * 2
    assert len(opened) == 1
    save(path, np.array([[0, 4]], np.uint8))
    os.utime(path, ns=(1, 1))
    assert look_at_masks([path])[0]["values"] == [0, 4]


def test_classes_of_masks():
    paths = ["a", "b", "c"]

    def levels(*classes, training=True, names=("x", "y")):
        found = judge_classes(classes, paths, "masks", training, names)
        return [one.level for one in found]

    assert levels([0], [1], [0, 1]) == []
    assert levels([0], [0], [0]) == ["error"]
    assert levels([0], [0], [0], training=False) == ["warning"]
    assert levels([0], [0], [0], names=("x",)) == []
    assert levels([], [], [], training=False) == ["error"]
    assert levels([], [0], [1]) == ["warning"]
    assert levels([0], [0], [1], names="xyz") == ["warning"]
    assert judge_classes([], [], "masks", True) == []
