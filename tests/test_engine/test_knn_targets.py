"""KNNHook on several targets: one pass over all images, shared ones once."""

import copy

import numpy as np
import pytest
import torch

from mmtaskssl.datasets import LabeledImages, SyntheticImages
from mmtaskssl.engine.feature_pass import numbered
from mmtaskssl.engine.knn_pass import KNNPass
from mmtaskssl.evaluation.knn import weighted_knn
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder
from tests.test_engine._runs import debug_config, run
from tests.test_engine.test_hooks import _LABELLED, _scalars, _with_knn


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A target, and a folder with one of its classes."""
    root = tmp_path_factory.mktemp("targets")
    make_image_folder(root / "a" / "train", 4, ("x", "y"))
    make_image_folder(root / "a" / "test", 2, ("x", "y"), seed=1)
    make_image_folder(root / "b", 3, ("x",), seed=2)
    return root


def test_images_have_one_number_wherever_they_are(folders):
    a, again = LabeledImages(str(folders / "a/train")), folders / "a/test/../train"
    some = LabeledImages(str(again))
    some.get_subset_([5, 2])
    larger = LabeledImages(str(folders / "a/train"), store_size=9)
    made = SyntheticImages(3)
    numbers, new = numbered([a, some, larger, made, made])
    assert [len(part) for part in new] == [8, 0, 8, 3, 0]
    assert numbers[1].tolist() == [5, 2]
    assert numbers[3].tolist() == numbers[4].tolist() == [16, 17, 18]


def test_several_targets_are_one_pass(folders, tmp_path):
    """Against kNN on each alone, with features that were made one image at a time."""
    a = [LabeledImages(str(folders / "a" / part)) for part in ("train", "test")]
    b = LabeledImages(str(folders / "b"), class_names=["x", "y"])
    targets = {"one": a, "two": (a[1], a[0]), "three": (b, a[1])}
    measure = KNNPass(targets, k=3, temperature=0.07, batch_size=3, num_workers=0)
    assert measure.num_images == 8 + 4 + 3
    runner_cfg = debug_config("mocov2", tmp_path)
    from mmtaskssl.engine.run import build_runner

    model = build_runner(runner_cfg).model
    network, seen = copy.deepcopy(model.backbone), []
    network.eval()
    network.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    found = measure.top1(network, model.data_preprocessor)
    assert sum(seen) == measure.num_images

    def features(data):
        rows = []
        for i in range(len(data)):
            inputs = {"inputs": [data[i]["inputs"]]}
            (image,) = model.data_preprocessor(inputs, False)["inputs"]
            with torch.no_grad():
                rows.append(network(image)[-1].mean((2, 3)))
        return torch.cat(rows)

    for name, (train, test) in targets.items():
        scores = weighted_knn(
            features(train), torch.tensor(train.labels), features(test), 2, k=3
        )
        right = scores.argmax(1).numpy() == np.array(test.labels)
        assert found[name] == pytest.approx(100 * right.mean()), name


def test_each_target_and_the_mean_are_logged(tmp_path):
    others = _LABELLED | {"num_classes": 4, "num_images": 8}
    cfg = _with_knn(
        debug_config("simsiam", tmp_path),
        train={"own": _LABELLED, "other": others},
        test={"own": _LABELLED, "other": others | {"seed": 3}},
        k=1,
        interval=12,
    )
    cfg.default_hooks.checkpoint.save_best = ["knn_top1", "other/knn_top1"]
    run(cfg)
    ((_, own),), ((_, other),), ((_, mean),) = (
        _scalars(tmp_path, f"{name}knn_top1") for name in ("own/", "other/", "")
    )
    assert own == 100 and mean == (own + other) / 2
    assert len(list(tmp_path.glob("best_*knn_top1_iter_12.pth"))) == 2


def test_parts_that_name_other_targets_are_refused(tmp_path):
    cfg = debug_config("simsiam", tmp_path)
    with pytest.raises(UserError, match="name different targets: a and b"):
        run(_with_knn(cfg, train={"a": _LABELLED}, test={"b": _LABELLED}))
