"""tools/extract_features.py as a user runs it."""

import hashlib
import multiprocessing
import os
import signal
import socket

import numpy as np
import pytest
import torch

from mmtaskssl.features.copies import copy_names
from mmtaskssl.features.given import read_ids
from mmtaskssl.features.store import FeatureStore
from tests._images import make_image_folder
from tests.test_tools._tools import failure_of, load_tool

CONFIG = """
default_scope = "mmtaskssl"
model = dict(
    type="mmselfsup.MoCo",
    backbone=dict(
        type="mmselfsup.ResNet", depth=18, stem_channels=4, base_channels=4
    ),
)
"""


@pytest.fixture
def job(tmp_path):
    (tmp_path / "config.py").write_text(CONFIG)
    make_image_folder(tmp_path / "images", n_per_class=8, classes=("a", "b", "c"))
    return tmp_path


def arguments(job, out, *more):
    return [
        str(job / "config.py"),
        "random",
        "--images",
        str(job / "images"),
        "--out",
        str(job / out),
        *("--image-size", "32", "--workers", "0", "--device", "cpu"),
        *("--rows-per-shard", "4", "--batch-size", "4", *more),
    ]


def folder_bytes(path):
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(path.iterdir())
    }


@pytest.fixture
def tool():
    return load_tool("extract_features")


def test_whole_run(job, tool, capsys):
    tool.main(arguments(job, "s", "--labels", "folder"))
    store = FeatureStore.open(job / "s")
    assert (len(store), store.dim, store.class_names) == (24, 32, ["a", "b", "c"])
    assert store.manifest["source"] == str(job / "images")
    out = capsys.readouterr().out
    assert "disk:" in out and "time: about" in out and "24/24 images" in out
    before = folder_bytes(job / "s")
    tool.main(arguments(job, "s", "--labels", "folder"))
    assert "0 images to do" in capsys.readouterr().out
    assert folder_bytes(job / "s") == before


def test_import_and_its_errors(job, tool):
    np.save(job / "f.npy", np.eye(3, dtype=np.float32))
    (job / "ids.txt").write_text("a/1\nb/1\nb/2\n")
    base = ["--from-npy", str(job / "f.npy"), "--out", str(job / "own")]
    assert "--ids" in failure_of(tool, base)
    table = str(job / "own.parquet")
    labelled = [*base, "--ids", str(job / "ids.txt"), "--labels", "folder"]
    tool.main([*labelled, "--to-parquet", table])
    store = FeatureStore.open(job / "own")
    assert store.labels.tolist() == [0, 1, 1]
    assert read_ids(None, table) == ["a/1", "b/1", "b/2"]
    tool.main([*labelled, "--to-parquet", table])  # it is ours, and replaced
    assert "no Parquet file" in failure_of(tool, [*labelled, "--to-parquet", __file__])
    (job / "ids.txt").write_text("a/1\n")
    base[-1] = str(job / "other")
    assert "3 rows but 1 ids" in failure_of(tool, [*base, "--ids", f"{job}/ids.txt"])
    assert not (job / "other").exists()


def test_bad_input_is_one_sentence(job, tool):
    (job / "empty").mkdir()

    def said(*replacement):
        args = arguments(job, "s")
        for old, new in zip(replacement[::2], replacement[1::2], strict=True):
            args[args.index(old)] = new
        return failure_of(tool, args)

    images = str(job / "images")
    assert "no images" in said(images, str(job / "empty"))
    assert "does not exist" in said(images, str(job / "nowhere"))
    assert "does not exist" in said("random", str(job / "nowhere.pth"))
    assert "does not exist" in said(str(job / "config.py"), "nowhere.py")
    assert "cannot be used" in said("cpu", "warp:9")
    torch.save({"state_dict": {"backbone.conv1.weight": torch.zeros(1)}}, job / "x.pth")
    assert "loaded 0/100 backbone keys" in said("random", str(job / "x.pth"))
    flat = make_image_folder(job / "flat", classes=())
    assert "no class folder" in failure_of(
        tool, [*arguments(job, "s", "--labels", "folder", "--images", str(flat))]
    )
    assert "not both" in failure_of(
        tool, arguments(job, "s", "--model", "torchvision:resnet18")
    )
    assert "name CONFIG and CKPT" in failure_of(
        tool, ["--images", images, "--out", str(job / "s")]
    )
    assert not (job / "s").exists()
    tool.main(arguments(job, "s"))
    assert "another transform" in said("32", "48")
    assert "another extractor" in failure_of(tool, arguments(job, "s", "--seed", "1"))


def test_a_library_network_without_training(job, tool):
    argv = ["--model", "torchvision:resnet18", *arguments(job, "s")[2:]]
    tool.main([*argv, "--weights", "random"])
    extractor = FeatureStore.open(job / "s").manifest["extractor"]
    assert extractor["name"] == "torchvision:resnet18"
    said = failure_of(tool, arguments(job, "t", "--weights", "random"))
    assert "belongs to --model" in said


def in_child(work, **environment):
    """Runs ``work()`` in a fork, which need not import torch anew; exit status."""

    def run():
        os.environ.update({k: str(v) for k, v in environment.items()})
        work()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    return process


def test_killed_while_writing_then_continued(job, tool, capsys):
    def run_until_killed():
        def killing_save(file, array, save=np.save, count=[0]):  # noqa: B006
            count[0] += 1
            if count[0] == 3:
                file.write(b"half a shard")
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            save(file, array)

        np.save = killing_save
        tool.main(arguments(job, "killed"))

    process = in_child(run_until_killed)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    names = sorted(p.name for p in (job / "killed").iterdir())
    assert names[0].startswith(".shard-00002.npy.")  # the half shard
    shards = [job / "killed" / f"shard-0000{i}.npy" for i in (0, 1)]
    assert names[-2:] == [shard.name for shard in shards]
    written = [shard.stat().st_mtime_ns for shard in shards]

    tool.main(arguments(job, "killed"))
    assert "2 of 6 shards are done, 16 images to do" in capsys.readouterr().out
    assert [shard.stat().st_mtime_ns for shard in shards] == written
    tool.main(arguments(job, "straight"))
    assert folder_bytes(job / "killed") == folder_bytes(job / "straight")


def test_two_ranks_write_what_one_process_writes(job, tool):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ranks = [
        in_child(
            lambda: tool.main(arguments(job, "ranks", "--launcher", "pytorch")),
            RANK=rank,
            LOCAL_RANK=rank,
            WORLD_SIZE=2,
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=port,
        )
        for rank in range(2)
    ]
    for rank in ranks:
        rank.join()
    assert [rank.exitcode for rank in ranks] == [0, 0]
    tool.main(arguments(job, "one"))
    assert folder_bytes(job / "ranks") == folder_bytes(job / "one")


def test_launcher_without_torchrun(job, tool, monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    if not torch.cuda.is_available():
        assert "torchrun" in failure_of(
            tool, arguments(job, "s", "--launcher", "pytorch")
        )


def test_copies_for_the_leak_guard(job, tool, capsys):
    tool.main(arguments(job, "s", "--leak-copies"))
    store = FeatureStore.open(job / "s")
    copies = store.open_copies()
    assert set(copies.image_ids) == set(copy_names(store.image_ids))
    assert copies.manifest["extractor"] == store.manifest["extractor"]
    flips = [copies.image_ids.index(f"{image}@flip") for image in store.image_ids]
    similar = (copies.read(flips) * store.read()).sum(axis=1)
    assert similar.min() > 0.5 and similar.max() < 0.99999
    before = folder_bytes(job / "s" / "copies")
    tool.main(arguments(job, "s", "--leak-copies"))
    assert folder_bytes(job / "s" / "copies") == before
