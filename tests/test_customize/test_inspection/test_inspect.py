import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mmtaskssl.customize.inspection import facts
from mmtaskssl.customize.inspection.inspect import inspect
from mmtaskssl.customize.inspection.inspected import Inspected
from mmtaskssl.utils.errors import UserError
from tests.test_selection._pictures import picture

from ._targets import SIDE, class_folders, draw


def texts(found, level=None):
    return "\n".join(f.text for f in found.findings if level in (None, f.level))


@pytest.fixture
def own(target, tmp_path):
    """A copy of the target to change."""
    return shutil.copytree(target, tmp_path / "target")


@pytest.fixture(scope="module")
def leaking(pool, target, tmp_path_factory):
    """Inspected: copies in pool and training images, broken files, duplicates."""
    folder = tmp_path_factory.mktemp("leaking")
    pool = shutil.copytree(pool, folder / "pool")
    target = shutil.copytree(target, folder / "target")
    test, train = target / "test", target / "train"
    shutil.copy(test / "a/0.png", pool / "same.png")
    mirrored = Image.fromarray(picture(51, side=SIDE)[:, ::-1])
    mirrored.save(pool / "mirrored.png")
    mirrored.save(train / "a/mirrored.png")
    Image.fromarray(picture(55, side=SIDE)).save(pool / "again.jpg", quality=60)
    shutil.copy(test / "b/1.png", train / "b/same.png")
    shutil.copy(train / "a/0.png", train / "b/twice.png")
    shutil.copy(pool / "x/0.png", pool / "x/twice.png")
    whole = (pool / "x/1.png").read_bytes()
    (pool / "x/1.png").write_bytes(whole[: len(whole) // 2])
    (train / "a/4.png").write_bytes(b"")
    (test / "b/3.png").write_bytes(b"no image")
    found = inspect(pool, target, out=folder / "out")
    return found, folder


def test_what_was_found(leaking, pool):
    found, folder = leaking
    assert found.kind == "classification" and [*found.class_names] == ["a", "b"]
    assert found.short_side == SIDE
    assert len(found.pool_ids) == 66 and found.pool_root == str(folder / "pool")
    assert found.train.paths[0] == str(folder / "target/train/a/0.png")
    assert found.train.labels[0] == ("a",)
    assert "classification, 2 classes" in found.table()


def test_copies_of_test_images_are_kept_out(leaking):
    found, _ = leaking
    assert found.kept_out["same.png"] == "the same file as test image a/0.png"
    same = "the same pixels as test image "
    assert found.kept_out["mirrored.png"] == same + "a/1.png (mirrored)"
    assert found.kept_out["again.jpg"].startswith(same + "b/0.png (re-encoded")
    assert {*found.kept_out} == {"same.png", "mirrored.png", "again.jpg", "x/1.png"}
    assert not {*found.kept_out} & {*found.pool_ids}
    assert not {"a/mirrored.png", "b/same.png"} & {*found.train.image_ids}
    assert "3 images of the pool count as copies of test images" in texts(
        found, "warning"
    )
    assert "2 training images count as copies of test images" in texts(found, "warning")
    assert "it finds flip 100%" in texts(found, "note")


def test_broken_images_are_left_out_and_counted(leaking):
    found, _ = leaking
    assert "x/1.png" in found.kept_out and "x/1.png" not in found.pool_ids
    assert "a/4.png" not in found.train.image_ids and len(found.train) == 10
    assert "b/3.png" not in found.test.image_ids and len(found.test) == 9
    for name in ("the target (train)", "the target (test)", "the pool"):
        assert f"1 images of {name} cannot be used" in texts(found, "warning")


def test_duplicates_are_counted(leaking):
    found, _ = leaking
    assert "1 training images are there with different labels, such as a/0.png (a)" in (
        texts(found, "warning")
    )
    assert "1 images of the pool are there twice, byte for byte" in texts(found, "note")


def test_it_is_read_again(leaking):
    found, folder = leaking
    again = Inspected.open(folder / "out")
    assert again.to_dict() == found.to_dict()
    lines = (folder / "out/train.csv").read_text().splitlines()
    assert lines[:2] == ["image,label", "a/0.png,a"]
    assert found.summary()["train"]["classes"] == {"a": 4, "b": 6}
    json.dumps(found.summary())
    again.save(folder / "saved")
    assert Inspected.open(folder / "saved").to_dict() == found.to_dict()
    with pytest.raises(UserError, match="holds no inspection"):
        Inspected.open(folder)


def counted(monkeypatch):
    """Returns the names of the images that are read from now on."""
    read = []

    def counting(path, *args, **kwargs):
        read.append(path.name)
        return original(path, *args, **kwargs)

    original = facts.read_image
    monkeypatch.setattr(facts, "read_image", counting)
    return read


def test_killed_it_goes_on(pool, target, tmp_path, monkeypatch):
    out, read = tmp_path / "out", counted(monkeypatch)

    class Killed(Exception):
        pass

    def progress(title, total):
        def show(done):
            if title == "pool":
                raise Killed

        return show

    with pytest.raises(Killed):
        inspect(pool, target, out=out, progress=progress)
    with pytest.raises(UserError, match="was not finished"):
        Inspected.open(out)
    with open(out / "images.jsonl", "a") as file:
        file.write('["pool", "x/9')  # of a line that was being written
    before = len(read)
    assert before == 20 + 10 + 10 + 66
    found = inspect(pool, target, out=out)
    assert len(read) - before == 10  # test images, to compare with
    assert found.to_dict() == inspect(pool, target).to_dict()
    before = len(read)
    said = []
    again = inspect(pool, target, out=out, log=said.append)
    assert len(read) == before and again.to_dict() == found.to_dict()
    assert said == [f"{out}: inspected before"]


def test_other_images(pool, own, tmp_path):
    out = tmp_path / "out"
    inspect(pool, own, out=out)
    draw(own / "train/a/new.png", 99)
    with pytest.raises(UserError, match=r"same inputs \(target: train\)"):
        inspect(pool, own, out=out)
    assert len(inspect(pool, own, out=out, overwrite=True).train) == 11
    # What was not finished is of no use, and is no reason to stop.
    shutil.rmtree(own / "test/b")
    with pytest.raises(UserError, match="at least 8 to test on"):
        inspect(pool, own, out=out, overwrite=True)
    class_folders(own / "test", {"b": 5}, 70)
    assert len(inspect(pool, own, out=out).test) == 10


@pytest.mark.parametrize(
    "counts, words",
    [
        (
            {"a": 3, "b": 2},
            "3 images to train and 2 to test on .*: at least 8 to train",
        ),
        ({"a": 20}, "one class only, a: two or more"),
        ({"a": 30, "b": 1, "c": 1}, "fewer than two classes .* two training images"),
    ],
)
def test_targets_that_are_too_small(pool, tmp_path, counts, words):
    with pytest.raises(UserError, match=words):
        inspect(pool, class_folders(tmp_path, counts, 0))


def test_a_test_part_that_is_the_train_part(pool, own):
    shutil.rmtree(own / "test")
    shutil.copytree(own / "train", own / "test")
    words = r"0 images to train .* \(0 cannot be used, 10 count as copies of test im"
    with pytest.raises(UserError, match=words):
        inspect(pool, own)


def test_a_class_that_cannot_be_learned(pool, own):
    (own / "train/c").mkdir()
    class_folders(own / "test", {"c": 2}, 70)
    with pytest.raises(
        UserError, match="class c of the target has 2 test images and no"
    ):
        inspect(pool, own)


def test_a_pool_that_is_too_small(pool, target, tmp_path):
    small = class_folders(tmp_path / "pool", {"x": 60}, 1000)
    shutil.copytree(target / "test", small / "test")
    words = (
        "has 60 images that can be .* takes 64, so add more .*0 cannot .* 10 are test"
    )
    with pytest.raises(UserError, match=words):
        inspect(small, target)


def test_what_is_odd_of_labels_and_sizes(pool, tmp_path):
    target = class_folders(tmp_path, {"a": 44, "b": 4, "c": 1}, 0)
    for number, path in enumerate(sorted(target.rglob("*.png"))):
        grey = np.asarray(Image.open(path).convert("L").resize((20, 30)))
        Image.fromarray(grey).save(path)
        if number % 3 == 0:
            Image.open(path).rotate(90, expand=True).save(path)
    (target / "empty").mkdir()
    found = inspect(pool, target, seed=5)
    assert found.short_side == 20 and found.facts["divided"] == {"seed": 5}
    # Of three lists of images that nobody takes for each other.
    hashes = found.facts["images_sha256"]
    assert [*hashes] == ["pool", "train", "test"] and len({*hashes.values()}) == 3
    assert [len(found.train), len(found.test)] == [25, 24]
    said = texts(found)
    for words in (
        "24 of its 49 images were drawn for one, class by class, with seed 5",
        "empty holds no image: the class is left out",
        "class c has one training image: no fold can hold it out",
        "class c has no test image: the verdict says nothing of it",
        "very uneven: 22 training images of a, 1 of c",
        "25 of 25 training images have a short side below 32 px",
        "100% of the training images are grey, and 0% of the pool",
    ):
        assert words in said
