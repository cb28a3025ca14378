"""Training as a value: in this process, which it leaves as it was."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope

from mmtaskssl import apis
from mmtaskssl.clustering.clusters import Clusters
from mmtaskssl.config import load_config
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.utils.errors import UserError, set_flags
from mmtaskssl.weights import load_state_dict
from tests._gloo import server
from tests._images import make_image_folder

MOCO = "configs/selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
SMALL = (
    "configs/selfsup/mocov2/mocov2_resnet18-w32-cifar_1xb128-coslr-20k_folder-32px.py"
)
BYOL = "configs/selfsup/byol/byol_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
SEGMENTOR = "configs/transfer/segmentation/debug/fcn_d8_1xb4-12i_debug-64px.py"
SDR = "configs/sdr/routed-simsiam_resnet10-w8-4paths_1xb16-coslr-12i_debug-32px.py"
QUIET = {"log_level": "WARNING"}


def _equal(first, second):
    first, second = load_state_dict(first), load_state_dict(second)
    return list(first) == list(second) and all(
        torch.equal(first[name], second[name]) for name in first
    )


def test_a_config_becomes_a_network(tmp_path):
    result = apis.pretrain(
        MOCO, iters=4, work_dir=tmp_path / "run", cfg_options={"log_level": "WARNING"}
    )
    assert result.checkpoint == tmp_path / "run" / "iter_4.pth"
    assert result.checkpoint.is_file() and result.iterations == 4
    assert result.losses[-1][0] == 4
    assert f"{result.losses[-1][1]:.4f}" in result.table() == str(result)
    value = json.loads(json.dumps(result.to_dict()))
    assert value["checkpoint"] == str(result.checkpoint)
    assert value["history"][-1]["loss"] == result.losses[-1][1]

    kept = result.save(tmp_path / "kept")
    assert {path.name for path in kept.iterdir()} == {
        *("checkpoint.pth", "config.py", "record.json", "training.json"),
    }
    assert _equal(kept / "checkpoint.pth", result.checkpoint)
    again = load_config(str(kept / "config.py"))
    assert again.model == result.config.model
    for split in ("train", "test"):  # the others take it as it is
        make_image_folder(tmp_path / "task" / split, 4)
    running = {"image_size": 32, "workers": 0, "device": "cpu"}
    store = apis.extract(result, tmp_path / "task" / "train", **running)
    assert len(store) == 8
    found = apis.evaluate(result, tmp_path / "task", **running)
    pair = (MOCO, result.checkpoint)
    assert found.runs == apis.evaluate(pair, tmp_path / "task", **running).runs
    assert found.facts["extractor"][1] == str(result.checkpoint)


def _train_alone(name, folder):
    torch.set_num_threads(1)  # as in the tests
    apis.pretrain(name, work_dir=folder, cfg_options={"log_level": "ERROR"}, iters=3)


def test_trainings_in_one_process_are_those_of_one_each(tmp_path):
    """Of several packages, one after the other, with nothing put right in between."""
    configs = (SEGMENTOR, BYOL, MOCO)
    alone = [
        server().Process(target=_train_alone, args=(name, tmp_path / f"alone{number}"))
        for number, name in enumerate(configs)
    ]
    for process in alone:
        process.start()
    state = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    before = (
        dict(os.environ),
        DefaultScope.get_current_instance(),
        {*MMLogger._instance_dict},
        {*MessageHub._instance_dict},
    )
    here = [
        apis.pretrain(name, work_dir=tmp_path / f"here{n}", iters=3, cfg_options=QUIET)
        for n, name in enumerate(configs)
    ]
    assert before == (
        dict(os.environ),
        DefaultScope.get_current_instance(),
        {*MMLogger._instance_dict},
        {*MessageHub._instance_dict},
    )
    assert state[0] == random.getstate()
    assert state[1] == np.random.get_state()[1].tolist()
    assert torch.equal(state[2], torch.get_rng_state())
    for process in alone:
        process.join()
    assert [process.exitcode for process in alone] == [0, 0, 0]
    for number, result in enumerate(here):
        assert _equal(result.checkpoint, tmp_path / f"alone{number}" / "iter_3.pth")


def test_a_config_itself_is_taken_and_left_alone(tmp_path):
    cfg = load_config(MOCO, QUIET)
    cfg.work_dir = str(tmp_path / "run")
    text = cfg.pretty_text
    result = apis.pretrain(cfg, iters=2, seed=7)
    assert result.work_dir == tmp_path / "run" and result.iterations == 2
    assert result.config.randomness.seed == 7
    assert cfg.pretty_text == text


def test_it_goes_on_where_it_was(tmp_path):
    whole = apis.pretrain(MOCO, work_dir=tmp_path / "a", cfg_options=QUIET)
    options = {**QUIET, "default_hooks.checkpoint.interval": 6}
    first = apis.pretrain(MOCO, work_dir=tmp_path / "b", cfg_options=options)
    first.checkpoint.unlink()  # as after a kill at iteration 9
    (tmp_path / "b" / "last_checkpoint").unlink()
    again = apis.pretrain(MOCO, work_dir=tmp_path / "b", resume=True, cfg_options=QUIET)
    assert again.iterations == 12 and _equal(whole.checkpoint, again.checkpoint)
    assert [step for step, _ in again.losses] == [step for step, _ in whole.losses]
    third = apis.pretrain(
        MOCO,
        work_dir=tmp_path / "c",
        resume=tmp_path / "b" / "iter_6.pth",
        cfg_options=QUIET,
    )
    assert _equal(whole.checkpoint, third.checkpoint)


def _selected(pool, number):
    rng = np.random.default_rng(0)
    ids = sorted(str(path.relative_to(pool)) for path in pool.rglob("*.png"))
    features = rng.normal(size=(len(ids), 8))
    store = MemoryStore(features, ids, root=str(pool), name="pool")
    target = MemoryStore(features[:3], ["a", "b", "c"], name="target")
    return apis.select(store, target, number)


def test_a_selection_is_trained_on_as_it_is(tmp_path):
    pool = make_image_folder(tmp_path / "pool", n_per_class=20, classes=("a", "b"))
    for part in ("train", "test"):
        make_image_folder(tmp_path / "task" / part, classes=("x", "y"))
    selected = _selected(pool, 16)
    options = {**QUIET, "batch_size": 8, "num_workers": 0}
    values = {"work_dir": tmp_path / "run", "target": tmp_path / "task"}
    result = apis.pretrain(
        SMALL, selection=selected, iters=2, cfg_options=options, **values
    )
    dataset = result.config.train_dataloader.dataset
    assert Path(dataset.selection).read_text().split() == selected.image_ids
    assert dataset.dataset.source == str(pool)
    assert set(result.metrics) == {"knn_top1"}
    assert f"{result.metrics['knn_top1']:.2f}" in result.table()
    with pytest.raises(UserError, match="is not the selection"):
        apis.pretrain(
            SMALL,
            **values,
            selection=_selected(pool, 17),
            cfg_options=options,
            resume=True,
        )
    with pytest.raises(UserError, match="processes that train together"):
        apis.pretrain(SMALL, selection=selected, launcher="pytorch", **values)
    # What stands there and is not the selection stays; a refusal leaves nothing.
    values["work_dir"] = tmp_path / "other"
    with pytest.raises(UserError, match="one step takes 128 images"):
        apis.pretrain(SMALL, selection=selected, iters=2, **values)
    assert not (tmp_path / "other" / "selection.txt").exists()
    (tmp_path / "other").mkdir(exist_ok=True)
    (tmp_path / "other" / "selection.txt").write_text("mine")
    with pytest.raises(UserError, match="is not the selection"):
        apis.pretrain(SMALL, selection=selected, iters=2, **values)
    assert (tmp_path / "other" / "selection.txt").read_text() == "mine"
    # A store's images are a selection of its folder's.
    values["work_dir"] = tmp_path / "store"
    store = MemoryStore(np.eye(16), selected.image_ids, root=str(pool))
    again = apis.pretrain(SMALL, images=store, iters=2, cfg_options=options, **values)
    assert _equal(result.checkpoint, again.checkpoint)


def test_clusters_are_trained_with_as_they_are(tmp_path):
    cfg = load_config(SDR)
    ids = [
        f"synthetic/{i:06d}"
        for i in range(cfg.train_dataloader.dataset.dataset.num_images)
    ]
    tree = (1, 1, 2, 2)
    leaf = np.arange(len(ids), dtype=np.int32) % 4
    paths = [(0, 0, a, b) for a in (0, 1) for b in (0, 1)]
    clusters = Clusters(tree, ids, "", leaf, paths)
    options = {**QUIET, "train_dataloader.dataset.tree": None}
    result = apis.pretrain(
        SDR, clusters=clusters, iters=1, work_dir=tmp_path / "run", cfg_options=options
    )
    found = Clusters.open(tmp_path / "run" / "clusters")
    assert found.image_ids == ids and result.iterations == 1
    mine = tmp_path / "other" / "clusters" / "mine.npy"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(UserError, match="is not the clusters"):
        apis.pretrain(SDR, clusters=clusters, iters=1, work_dir=tmp_path / "other")
    assert [*mine.parent.iterdir()] == [mine]


def test_bad_values(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        apis.pretrain("nowhere.py")
    with pytest.raises(UserError, match=r"checkpoint .*none.pth does not exist"):
        apis.pretrain(MOCO, resume=tmp_path / "none.pth", work_dir=tmp_path)
    with pytest.raises(UserError, match="left no checkpoint"):
        apis.pretrain(
            MOCO,
            iters=1,
            work_dir=tmp_path / "none",
            cfg_options={
                **QUIET,
                "default_hooks.checkpoint.interval": -1,
                "default_hooks.checkpoint.save_last": False,
            },
        ).save(tmp_path / "saved")


def test_the_parsers_import_no_torch():
    code = (
        "import sys, mmtaskssl.cli.train as a, mmtaskssl.cli.test as b;"
        "a.make_parser().format_help(); b.make_parser().format_help();"
        "sys.exit('torch' in sys.modules or 'mmengine' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_used_work_dir_is_told_of(tmp_path, capsys):
    apis.pretrain(MOCO, iters=2, work_dir=tmp_path, seed=1)
    assert "begins anew" not in capsys.readouterr().out
    again = apis.pretrain(MOCO, iters=2, work_dir=tmp_path, seed=2)
    said = "".join(capsys.readouterr())
    assert "holds checkpoints of a training: this one begins anew" in said
    assert "`resume` goes on instead" in said
    # One row of the log is one number.
    (loss,) = [line for line in again.table().splitlines() if "  loss" in line]
    assert len(again.losses) == 1 and "->" not in loss


def test_what_is_refused_leaves_no_folder(tmp_path):
    for options, words in (
        ({"model.queue_len": 10_000}, r"queue of 10,000 keys is longer than .*=\d+;"),
        ({"model.quue_len": 64}, "'quue_len', which it has not; did you mean 'queue"),
        ({"train_dataloader.drop_lst": True}, "'drop_lst'.*; did you mean 'drop_last'"),
    ):
        with pytest.raises(UserError, match=words):
            apis.pretrain(MOCO, work_dir=tmp_path / "run", cfg_options=options)
        assert not (tmp_path / "run").exists()
    # What was there before stays.
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").touch()
    with pytest.raises(UserError, match="longer than"):
        apis.pretrain(
            MOCO, work_dir=tmp_path / "run", cfg_options={"model.queue_len": 10_000}
        )
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine.txt"]


def test_images_are_asked_for_where_there_are_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="name yours with images='/my/pool', a folder"):
        apis.pretrain(SMALL)
    with pytest.raises(UserError, match="target='/my/folder' names a folder that"):
        apis.pretrain(MOCO, target=tmp_path / "traget")
    set_flags(["--cfg-options"])  # as a tool does
    try:
        with pytest.raises(UserError, match="with --cfg-options images=/my/pool, a"):
            apis.pretrain(SMALL)
    finally:
        set_flags()
    assert not [*tmp_path.iterdir()]


def test_the_best_checkpoint_is_named(tmp_path):
    for split in ("train", "test"):
        make_image_folder(tmp_path / "task" / split, 4)
    options = {**QUIET, "default_hooks.checkpoint.save_best": "knn_top1"}
    result = apis.pretrain(
        *(MOCO,),
        iters=2,
        work_dir=tmp_path / "run",
        target=tmp_path / "task",
        cfg_options=options,
    )
    assert result.best is not None and result.best.name.startswith("best_knn_top1")
    assert f"best             {result.best}" in result.table()
    assert result.to_dict()["best"] == str(result.best)
