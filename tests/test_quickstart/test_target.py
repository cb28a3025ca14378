import pytest

from mmtaskssl.quickstart.target import MOST_SHOTS, prepare_target
from mmtaskssl.utils.errors import UserError

from .._images import make_image_folder


def test_a_split_folder_is_used_as_it_is(tmp_path):
    make_image_folder(tmp_path / "t" / "train")
    make_image_folder(tmp_path / "t" / "test")
    assert prepare_target(tmp_path / "t", tmp_path / "out") == tmp_path / "t"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("count", "shots"), [(5, 2), (60, MOST_SHOTS)])
def test_classes_are_split_without_overlap(tmp_path, count, shots):
    target = make_image_folder(tmp_path / "t", n_per_class=count)
    out = prepare_target(target, tmp_path / "out")
    for name in ("a", "b"):
        train = {p.resolve() for p in (out / "train" / name).iterdir()}
        test = {p.resolve() for p in (out / "test" / name).iterdir()}
        assert (len(train), len(test)) == (shots, count - shots)
        assert train | test == set((target / name).iterdir())


def test_the_split_is_a_function_of_the_seed(tmp_path):
    target = make_image_folder(tmp_path / "t", n_per_class=30)
    splits = []
    for number, seed in enumerate((0, 0, 1)):
        out = prepare_target(target, tmp_path / f"out{number}", seed)
        splits.append([p.resolve() for p in sorted((out / "train").glob("*/*"))])
    assert splits[0] == splits[1] != splits[2]


def test_bad_targets_get_a_sentence_and_leave_nothing(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(UserError, match="does not exist"):
        prepare_target(tmp_path / "absent", out)
    flat = make_image_folder(tmp_path / "flat", classes=())
    with pytest.raises(UserError, match="outside any class folder"):
        prepare_target(flat, out)
    one = make_image_folder(tmp_path / "one", classes=("a",))
    with pytest.raises(UserError, match="one class only"):
        prepare_target(one, out)
    lonely = make_image_folder(tmp_path / "lonely", n_per_class=1)
    with pytest.raises(UserError, match="has one image"):
        prepare_target(lonely, out)
    assert not out.exists()
