import json
import os

import pytest
import torch

from mmtaskssl.config import load_config
from mmtaskssl.config.selecting import is_edited
from mmtaskssl.datasets import LabeledImages, UnlabeledImages
from mmtaskssl.datasets.selected import read_selection
from mmtaskssl.registry import DATASETS
from mmtaskssl.runs import Work
from mmtaskssl.utils.atomic import write_text
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder


def _selected(dataset, selection):
    return DATASETS.build(
        {"type": "SelectedImages", "dataset": dataset, "selection": str(selection)}
    )


def test_takes_the_named_images_in_order(tmp_path):
    root = make_image_folder(tmp_path / "pool", 3)
    selection = tmp_path / "selection.txt"
    selection.write_text("b/002.png\na/000.png\n\n")
    pool = UnlabeledImages(root)
    data = _selected({"type": "UnlabeledImages", "source": str(root)}, selection)
    assert len(data) == 2
    assert data.image_ids == ["b/002.png", "a/000.png"]
    assert data.root == root
    assert torch.equal(data[0]["inputs"], pool[5]["inputs"])
    assert data[1]["sample_idx"] == 1
    data.full_init()


def test_file_names_may_be_any(tmp_path):
    root = make_image_folder(tmp_path / "pool", 3, classes=())
    odd = [os.fsdecode(b"caf\xe9.png"), "x\u2028y.png"]
    for old, new in zip(("000.png", "001.png"), odd, strict=True):
        (root / old).rename(root / new)
    write_text(tmp_path / "s.txt", "".join(f"{name}\n" for name in odd))
    data = _selected(UnlabeledImages(root), tmp_path / "s.txt")
    assert data.image_ids == odd


def test_a_broken_image_is_never_replaced_by_one_outside(tmp_path):
    root = make_image_folder(tmp_path / "pool", 3)
    (root / "a/001.png").write_bytes(b"")
    selection = tmp_path / "selection.txt"
    selection.write_text("a/001.png\nb/001.png\n")
    pool = UnlabeledImages(root)
    data = _selected(UnlabeledImages(root, max_broken=0.5), selection)
    assert torch.equal(data[0]["inputs"], pool[4]["inputs"])
    assert data.broken_images == ["a/001.png"]


def test_labels_follow(tmp_path):
    root = make_image_folder(tmp_path / "pool", 2)
    (tmp_path / "s.txt").write_text("b/000.png\n")
    data = _selected(LabeledImages(root), tmp_path / "s.txt")
    assert data.labels == [1]
    assert data[0]["label"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "does not exist"),
        ("\n", "names no images"),
        ("a/000.png\nx/000.png\n", "1 of 2 images .* x/000.png"),
    ],
)
def test_bad_selections(tmp_path, text, message):
    root = make_image_folder(tmp_path / "pool", 1)
    if text is not None:
        (tmp_path / "s.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        _selected(UnlabeledImages(root), tmp_path / "s.txt")


def _written(folder, ids, **summary):
    folder.mkdir()
    (folder / "selection.txt").write_text("".join(f"{name}\n" for name in ids))
    if summary:
        (folder / "summary.json").write_text(json.dumps(summary))
    return folder / "selection.txt"


def test_a_changed_selection_is_taken_where_its_user_says_so(tmp_path):
    root = make_image_folder(tmp_path / "pool", 3)
    work = Work("selection", 1, {}, ["selection.txt"], "a selection")
    with work.written(tmp_path / "out") as folder:
        (folder / "selection.txt").write_text("a/000.png\nb/001.png\n")
    file = tmp_path / "out" / "selection.txt"
    file.write_text("a/000.png\n")  # cut short
    with pytest.raises(UserError, match=r"10 bytes instead of 20.*`edited_selection`"):
        _selected(UnlabeledImages(root), file)
    data = {"type": "UnlabeledImages", "source": str(root)}
    cfg = {"type": "SelectedImages", "dataset": data, "selection": str(file)}
    assert DATASETS.build({**cfg, "edited": True}).image_ids == ["a/000.png"]


def test_an_older_selection_that_was_cut_short(tmp_path):
    """Version 0.1 wrote no record, but how many images it chose."""
    summary = {"selected": 2, "policy": "random", "pool": {}}
    file = _written(tmp_path / "old", ["a", "b"], **summary)
    assert read_selection(str(file)) == ["a", "b"]
    file.write_text("a\n")
    with pytest.raises(UserError, match="1 images instead of 2"):
        read_selection(str(file))
    assert read_selection(str(file), edited=True) == ["a"]
    own = _written(tmp_path / "own", ["a"], selected=2)  # somebody else's summary
    assert read_selection(str(own)) == ["a"]


def test_the_option_reaches_the_data_set(tmp_path):
    config = "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
    cfg = load_config(config, {"selection": "s.txt", "edited_selection": True})
    assert cfg.train_dataloader.dataset.edited is True and is_edited(cfg)
    assert not is_edited(load_config(config, {"selection": "s.txt"}))
    with pytest.raises(UserError, match="needs selection="):
        load_config(config, {"edited_selection": True})
