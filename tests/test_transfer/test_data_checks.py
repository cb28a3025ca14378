"""Bad data gets one sentence that names the file."""

import json

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmtaskssl.transfer.data_checks import check_annotations
from mmtaskssl.transfer.data_set_checks import check_data_set
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


def test_lists_without_images_and_images_without_objects(tmp_path):
    _host_data.make_voc(tmp_path)
    listing = tmp_path / "VOC2007/list.txt"
    listing.write_text("0\n\n1\n")
    with pytest.raises(UserError, match=r"list\.txt, line 2, is blank"):
        check_annotations(voc_config(tmp_path))
    listing.write_text("\n")
    with pytest.raises(UserError, match=r"list\.txt lists no image"):
        check_annotations(voc_config(tmp_path))
    listing.write_text("0\n")
    (tmp_path / "VOC2007/Annotations/0.xml").write_text("<annotation></annotation>")
    with pytest.raises(UserError, match=r"no image .* has an object to train with"):
        check_annotations(voc_config(tmp_path))
    validation = Config({"val_dataloader": voc_config(tmp_path).train_dataloader})
    check_annotations(validation)


def test_other_loaders_are_checked_where_they_are_asked_for(tmp_path):
    test = Config({"test_dataloader": voc_config(tmp_path).train_dataloader})
    check_annotations(test)
    with pytest.raises(UserError, match="of test_dataloader does not exist"):
        check_annotations(test, ("test_dataloader",))


def test_folders_of_a_segmentors_images(tmp_path):
    data = {
        "type": "BaseSegDataset",
        "data_root": str(tmp_path),
        "data_prefix": {"img_path": "img", "seg_map_path": "ann"},
    }
    cfg = Config({"val_dataloader": {"dataset": data}})
    with pytest.raises(UserError, match=r"folder .*img of val_dataloader does not"):
        check_annotations(cfg)
    _host_data.make_segmentation(tmp_path)
    check_annotations(cfg)
    for path in (tmp_path / "ann").iterdir():
        path.unlink()
    with pytest.raises(UserError, match=r"folder .*ann of val_dataloader is empty"):
        check_annotations(cfg)
    (tmp_path / "list.txt").write_text("\n")
    cfg.val_dataloader.dataset.ann_file = "list.txt"
    with pytest.raises(UserError, match=r"list\.txt of val_dataloader lists no image"):
        check_annotations(cfg)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(images=[]), r"instances\.json lists no image"),
        (lambda c: c.update(annotations=[]), "has an object to train with"),
        (lambda c: c["annotations"][1].pop("bbox"), "entry 2 of 'annotations' has no"),
        (lambda c: c["images"][0].pop("width"), "entry 1 of 'images' has no 'width'"),
        (lambda c: c["annotations"][0].pop("id"), "entry 1 of 'annotations' has no"),
        (lambda c: c["images"].append(3), "entry 3 of 'images' is no object"),
        (
            lambda c: c["annotations"][0].update(bbox=[1, 2]),
            r"bbox \[1, 2\], not x",
        ),
        (lambda c: c["categories"].reverse(), None),
    ],
)
def test_contents_of_json(tmp_path, change, words):
    _host_data.make_coco(tmp_path)
    file = tmp_path / "instances.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    cfg = coco_config(tmp_path)
    if words is None:
        check_annotations(cfg)
        cfg.train_dataloader.dataset.metainfo = {"classes": ("cat",)}
        words = "classes cat: the files name green, red"
    with pytest.raises(UserError, match=words):
        check_annotations(cfg)


def test_json_has_what_its_evaluator_reads(tmp_path):
    _host_data.make_coco(tmp_path)
    file = tmp_path / "instances.json"
    content = json.loads(file.read_text())
    del content["annotations"][1]["iscrowd"]
    file.write_text(json.dumps(content))
    check_annotations(coco_config(tmp_path))
    loader = coco_config(tmp_path).train_dataloader
    cfg = Config({"val_dataloader": loader, "val_evaluator": {"type": "CocoMetric"}})
    check_annotations(cfg)
    cfg.val_evaluator.ann_file = str(file)
    with pytest.raises(UserError, match="entry 2 of 'annotations' has no 'iscrowd'"):
        check_annotations(cfg)
    # As COCO's image_info_test-dev2017.json, whose objects are not public.
    del content["annotations"]
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="it has no list 'annotations'"):
        check_annotations(cfg)
    cfg.val_evaluator.format_only = True
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


def check(files, num_classes=2, head="decode_head", purpose="training"):
    model = {head: {"num_classes": num_classes}}
    if head == "roi_head":
        model = {head: {"bbox_head": [{"num_classes": num_classes}]}}
    check_data_set(Config({"model": model}), _Data(files), purpose)


@pytest.fixture
def files(tmp_path):
    labels = np.array([[0, 1], [1, 255]], dtype=np.uint8)
    Image.fromarray(labels).save(tmp_path / "map.png")
    Image.fromarray(labels).save(tmp_path / "image.png")
    return [(tmp_path / "image.png", tmp_path / "map.png")]


def test_an_image_that_was_not_copied_whole(files):
    image, _ = files[0]
    image.write_bytes(b"")
    with pytest.raises(UserError, match=r"image\.png is listed for training but is em"):
        check(files)


def test_training_data(files, tmp_path):
    check(files)
    with pytest.raises(UserError, match="no training image is left"):
        check([])
    absent = [*files, (tmp_path / "gone.png", files[0][1])]
    with pytest.raises(UserError, match=r"gone\.png is listed for test but does not"):
        check(absent, purpose="test")


@pytest.mark.parametrize("head", ["decode_head", "roi_head"])
def test_number_of_classes(files, head):
    with pytest.raises(UserError, match=r"num_classes is 3, but .* 2 classes \(a, b"):
        check(files, 3, head)


def test_labels_outside_of_the_classes(files):
    Image.fromarray(np.full((2, 2), 7, dtype=np.uint8)).save(files[0][1])
    with pytest.raises(UserError, match=r"map\.png has the label 7, but .* 2 classes"):
        check(files)


def test_label_maps_that_are_none(files):
    Image.open(files[0][1]).convert("RGB").save(files[0][1])
    with pytest.raises(UserError, match=r"map\.png is a colour image"):
        check(files)
    files[0][1].write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"map\.png is no readable label map"):
        check(files)
