"""Bad data gets one sentence that names the file."""

from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmtaskssl.transfer.data_checks import check_annotations, check_training_data
from mmtaskssl.utils.errors import UserError
from tests.test_compat import _host_data


def voc_config(root, **options):
    data = {
        "type": "mmdet.VOCDataset",
        "data_root": str(root),
        "ann_file": "VOC2007/list.txt",
        "data_prefix": {"sub_data_root": "VOC2007/"},
        "metainfo": {"classes": _host_data.CLASSES},
        **options,
    }
    wrapped = {"type": "RepeatDataset", "dataset": {"datasets": [data]}}
    return Config({"train_dataloader": {"dataset": wrapped}})


def coco_config(root):
    data = {"type": "CocoDataset", "ann_file": str(root / "instances.json")}
    return Config({"train_dataloader": {"dataset": data}})


def test_good_data_passes(tmp_path):
    _host_data.make_voc(tmp_path)
    check_annotations(voc_config(tmp_path))
    _host_data.make_coco(tmp_path / "coco")
    check_annotations(coco_config(tmp_path / "coco"))
    check_annotations(Config({"train_dataloader": {"dataset": {"type": "X"}}}))


def test_missing_files(tmp_path):
    with pytest.raises(
        UserError, match=r"list\.txt of train_dataloader does not exist"
    ):
        check_annotations(voc_config(tmp_path))
    _host_data.make_voc(tmp_path)
    (tmp_path / "VOC2007/Annotations/1.xml").unlink()
    with pytest.raises(
        UserError, match=r"1\.xml does not exist, but .*list\.txt, line 2"
    ):
        check_annotations(voc_config(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<object>", "\n\n<object", r"0\.xml, line 3, is no valid XML"),
        ("<xmin>", "<left>0</left><xmin>none", r"0\.xml: object 1 lacks"),
    ],
)
def test_malformed_xml(tmp_path, old, new, words):
    _host_data.make_voc(tmp_path)
    file = tmp_path / "VOC2007/Annotations/0.xml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(UserError, match=words):
        check_annotations(voc_config(tmp_path))


def test_other_classes(tmp_path):
    _host_data.make_voc(tmp_path)
    cfg = voc_config(tmp_path, metainfo={"classes": ("cat",)})
    with pytest.raises(UserError, match="classes cat: the files name green, red"):
        check_annotations(cfg)


def test_malformed_json(tmp_path):
    file = tmp_path / "instances.json"
    file.write_text('{"images": [],\n "annotations": [}\n')
    with pytest.raises(UserError, match=r"instances\.json, line 2, is no valid JSON"):
        check_annotations(coco_config(tmp_path))
    file.write_text('{"images": []}')
    with pytest.raises(UserError, match="no list 'annotations'"):
        check_annotations(coco_config(tmp_path))


class _Data:
    """What the checks ask of a data set."""

    def __init__(self, files, classes=("a", "b")):
        self.files, self.metainfo = files, {"classes": classes}

    def __len__(self):
        return len(self.files)

    def get_data_info(self, index):
        image, label_map = self.files[index]
        return {"img_path": str(image), "seg_map_path": str(label_map)}


def runner_of(files, num_classes=2, head="decode_head"):
    model = {head: {"num_classes": num_classes}}
    if head == "roi_head":
        model = {head: {"bbox_head": [{"num_classes": num_classes}]}}
    loader = SimpleNamespace(dataset=_Data(files))
    return SimpleNamespace(cfg=Config({"model": model}), train_dataloader=loader)


@pytest.fixture
def files(tmp_path):
    labels = np.array([[0, 1], [1, 255]], dtype=np.uint8)
    Image.fromarray(labels).save(tmp_path / "map.png")
    Image.fromarray(labels).save(tmp_path / "image.png")
    return [(tmp_path / "image.png", tmp_path / "map.png")]


def test_training_data(files, tmp_path):
    check_training_data(runner_of(files))
    with pytest.raises(UserError, match="no training image is left"):
        check_training_data(runner_of([]))
    absent = [*files, (tmp_path / "gone.png", files[0][1])]
    with pytest.raises(
        UserError, match=r"gone\.png is listed for training but does not"
    ):
        check_training_data(runner_of(absent))


@pytest.mark.parametrize("head", ["decode_head", "roi_head"])
def test_number_of_classes(files, head):
    with pytest.raises(UserError, match=r"num_classes is 3, but .* 2 classes \(a, b"):
        check_training_data(runner_of(files, 3, head))


def test_labels_outside_of_the_classes(files):
    Image.fromarray(np.full((2, 2), 7, dtype=np.uint8)).save(files[0][1])
    with pytest.raises(UserError, match=r"map\.png has the label 7, but .* 2 classes"):
        check_training_data(runner_of(files))
