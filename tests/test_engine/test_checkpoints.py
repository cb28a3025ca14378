"""A training that is killed at any moment ends as if it had not been."""

import errno
import os
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import LocalBackend

from mmtaskssl.engine.checkpoints import POINTER, find_resumable, place_of
from mmtaskssl.utils.errors import UserError
from tests.test_engine._runs import debug_config, run

_WATCHED = {
    "type": "KNNHook",
    "train": {"type": "SyntheticImages", "num_images": 12},
    "test": {"type": "SyntheticImages", "num_images": 12, "seed": 1},
    "interval": 2,
}


@pytest.fixture(autouse=True, scope="module")
def _plain_config_text():
    """Formatting the config takes most of the time of so short a training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Config, "pretty_text", property(lambda self: ""))
        yield


def _config(work_dir, by_epoch=False, keep=1, best=True):
    """Four steps (two epochs of two), a checkpoint and a kNN each second one."""
    cfg = debug_config("simsiam", work_dir, train_cfg__max_iters=4)
    checkpoint = {"type": "CheckpointHook", "interval": 2, "max_keep_ckpts": keep}
    cfg.param_scheduler = [{"type": "LinearLR", "end": 4, "by_epoch": False}]
    if by_epoch:
        cfg.train_cfg = {"type": "EpochBasedTrainLoop", "max_epochs": 2}
        cfg.train_dataloader.sampler = {"type": "DefaultSampler", "shuffle": True}
        cfg.train_dataloader.dataset.num_images = 32
        cfg.log_processor = {}
        checkpoint["interval"] = 1
    cfg.default_hooks.checkpoint = {**checkpoint, "by_epoch": by_epoch}
    if best:
        cfg.default_hooks.checkpoint.save_best = "knn_top1"
        cfg.default_hooks.knn = {**_WATCHED, "by_epoch": False}
    return cfg


def _resume(cfg):
    torch.manual_seed(12345)  # a new process would not start from this one's state
    cfg.resume = True
    return run(cfg)


def _last(work_dir):
    """Returns what the last checkpoint holds of the training, without times."""
    name = Path((work_dir / POINTER).read_text()).name
    content = torch.load(work_dir / name, weights_only=False)
    info = content["message_hub"]["runtime_info"]
    kept = {
        key: os.path.basename(info[key]) if key in ("best_ckpt", "last_ckpt") else value
        for key, value in info.items()
        if key in ("best_score", "best_ckpt", "last_ckpt", "keep_ckpt_ids")
    }
    keys = ("state_dict", "optimizer", "param_schedulers")
    done = content["meta"]["epoch"], content["meta"]["iter"]
    return {**{key: content[key] for key in keys}, "info": kept, "done": done}


def _same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    return a == b


def _files(work_dir):
    return sorted(path.name for path in work_dir.iterdir() if path.is_file())


class _Killed(BaseException):
    """What no ``except Exception`` catches."""


class _Death:
    """Ends the process, so to speak, behind an operation on a checkpoint's files.

    From then on nothing can be written or removed any more: a dead process does not
    tidy up, either.
    """

    def __init__(self, monkeypatch, folder, at=None):
        self.folder, self.at = str(folder), at
        self.done, self.dead, self.names = [], False, []
        inner = LocalBackend.put

        def put(backend, data, path):
            self._live()
            self.names.append((len(self.done), Path(path).name))
            if self.at == len(self.done):
                Path(path).write_bytes(data[: len(data) // 2])
            self._count("half of a write")
            inner(backend, data, path)
            self._count("write")

        monkeypatch.setattr(LocalBackend, "put", put)
        for name in ("fsync", "replace", "unlink", "remove"):
            self._watch(monkeypatch, name)

    def _watch(self, monkeypatch, name):
        inner = getattr(os, name)

        def watched(target, *args, **kwargs):
            if isinstance(target, int) or str(target).startswith(self.folder):
                self._live()
                inner(target, *args, **kwargs)
                self._count(name)
            else:
                inner(target, *args, **kwargs)

        monkeypatch.setattr(os, name, watched)

    def _live(self):
        if self.dead:
            raise _Killed

    def _count(self, name):
        self.done.append(name)
        if self.at == len(self.done) - 1:
            self.dead = True
            raise _Killed


@pytest.mark.parametrize("by_epoch", [False, True], ids=["iterations", "epochs"])
def test_every_operation_may_be_the_last(by_epoch, tmp_path):
    """Each write, fsync, rename (of checkpoints and the pointer) and deletion."""

    def config(name):
        return _config(tmp_path / name, by_epoch, best=not by_epoch)

    with pytest.MonkeyPatch.context() as patch:
        watch = _Death(patch, tmp_path)
        run(config("whole"))
    end, files = _last(tmp_path / "whole"), _files(tmp_path / "whole")
    last = "epoch_2" if by_epoch else "iter_4"
    begin = next(i for i, name in watch.names if name.startswith(f".{last}"))
    points = range(begin, len(watch.done))
    # The file and its folder; the pointer and its folder; and what they supersede.
    save = ["half of a write", "write", "fsync", "replace", "fsync"]
    save += ["fsync", "replace", "fsync", "remove"]
    assert watch.done[begin:][: len(save)] == save
    if by_epoch:
        assert len(points) == len(save)
    else:  # the best, and once more the checkpoint, now with its score
        assert len(points) == len(save) + 5 + len(save)
    for point in points:
        name = f"{point}"
        with pytest.MonkeyPatch.context() as patch, pytest.raises(_Killed):
            _Death(patch, tmp_path, point)
            run(config(name))
        assert _resume(config(name)).iter == 4
        assert _same(_last(tmp_path / name), end), (point, watch.done[point])
        assert _files(tmp_path / name) == files, (point, watch.done[point])


def test_a_full_disk_is_one_sentence_and_costs_nothing(tmp_path, monkeypatch):
    run(_config(tmp_path / "whole"))
    inner = LocalBackend.put

    def put(backend, data, path):
        if "iter_4" not in path:
            return inner(backend, data, path)
        Path(path).write_bytes(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, "put", put)
        with pytest.raises(UserError, match=r"cannot write .*iter_4\.pth .*No space"):
            run(_config(tmp_path / "full"))
    assert (tmp_path / "full" / "iter_2.pth").is_file()
    _resume(_config(tmp_path / "full"))
    assert _same(_last(tmp_path / "full"), _last(tmp_path / "whole"))
    assert _files(tmp_path / "full") == _files(tmp_path / "whole")


def test_a_loss_that_is_not_finite_leaves_the_last_checkpoint(tmp_path):
    cfg = _config(tmp_path, best=False)
    cfg.default_hooks.non_finite_loss.interval = 1000
    cfg.optim_wrapper.optimizer.lr = 1e30
    cfg.optim_wrapper.clip_grad = None
    cfg.default_hooks.checkpoint.interval = 1
    with pytest.raises(UserError, match="not finite"):
        run(cfg)
    assert [n for n in _files(tmp_path) if n.endswith(".pth")] == ["iter_1.pth"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    cfg = _config(folder / "run", keep=-1)
    cfg.default_hooks.checkpoint.interval = 1
    run(cfg)
    return folder / "run"


def _read(path):
    return torch.load(path, weights_only=False)


@pytest.mark.parametrize(
    ("damage", "chosen", "said"),
    [
        (lambda f: None, "iter_4.pth", None),
        (lambda f: (f / POINTER).unlink(), "iter_4.pth", "there is no last_checkpoint"),
        (lambda f: (f / POINTER).write_text(""), "iter_4.pth", "is empty"),
        (lambda f: (f / POINTER).write_text("\0" * 9), "iter_4.pth", "is empty"),
        (
            lambda f: (f / POINTER).write_text("/x/iter_9.pth"),
            "iter_4.pth",
            r"names iter_9\.pth, which is not there",
        ),
        (
            lambda f: (f / POINTER).write_text("/x/iter_2.pth"),
            "iter_2.pth",  # in this folder: the user has pointed it there
            None,
        ),
        (lambda f: os.truncate(f / "iter_4.pth", 999), "iter_3.pth", "iter_4.*damaged"),
        (lambda f: os.truncate(f / "iter_4.pth", 0), "iter_3.pth", "iter_4.*damaged"),
        (lambda f: _overwrite(f / "iter_4.pth"), "iter_3.pth", "iter_4.*checksum"),
        (
            lambda f: [os.truncate(f / f"iter_{i}.pth", 99) for i in (3, 4)],
            "iter_2.pth",
            "iter_4.*damaged.*iter_3.*damaged",
        ),
    ],
    ids=[
        *("whole", "no pointer", "empty pointer", "zeros", "dangling", "other"),
        *("truncated", "zero bytes", "zeros inside", "two damaged"),
    ],
)
def test_the_newest_whole_checkpoint_is_taken(
    damage, chosen, said, trained, tmp_path, monkeypatch
):
    import re

    from mmtaskssl.engine import checkpoints

    folder = shutil.copytree(trained, tmp_path / "run")
    damage(folder)
    lines = []
    monkeypatch.setattr(checkpoints, "print_log", lambda text, *_: lines.append(text))
    path, content = find_resumable(place_of(_config(folder)), _read)
    assert path == folder / chosen
    assert content["meta"]["iter"] == int(chosen[5])
    assert len(lines) == (said is not None)
    if said:
        assert re.search(said, lines[0]) and f"resuming from {chosen}" in lines[0]


def _overwrite(path):
    """Zeros where weights were, as where a block never reached the disk."""
    with open(path, "rb+") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(b"\0" * 4096)


def test_nothing_whole_is_refused_and_nothing_at_all_begins(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    for path in folder.glob("iter_*.pth"):
        os.truncate(path, 9)
    with pytest.raises(UserError, match=r"nothing in .* can be resumed: iter_4.*begin"):
        find_resumable(place_of(_config(folder)), _read)
    for path in folder.glob("*.pth"):
        path.unlink()
    with pytest.raises(UserError, match=r"names iter_4\.pth, which is not there, and"):
        find_resumable(place_of(_config(folder)), _read)
    (folder / POINTER).write_text("")
    assert find_resumable(place_of(_config(folder)), _read) is None
    assert not place_of(_config(folder)).has_begun()


def test_a_copied_work_dir_is_a_training_of_its_own(tmp_path):
    run(_config(tmp_path / "whole"))
    cfg = _config(tmp_path / "a")
    cfg.custom_hooks = [{"type": "StopAt", "at": 2}]
    run(cfg)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    before = {p: p.read_bytes() for p in (tmp_path / "a").rglob("*") if p.is_file()}
    _resume(_config(tmp_path / "b"))
    assert {
        p: p.read_bytes() for p in (tmp_path / "a").rglob("*") if p.is_file()
    } == before
    assert _same(_last(tmp_path / "b"), _last(tmp_path / "whole"))
    assert Path((tmp_path / "b" / POINTER).read_text()).parent == tmp_path / "b"


def test_out_dir_elsewhere(tmp_path):
    cfg = _config(tmp_path / "run", best=False)
    cfg.default_hooks.checkpoint.out_dir = str(tmp_path / "big_disk")
    run(cfg)
    place = place_of(cfg)
    assert place.folder == tmp_path / "big_disk" / "run"
    assert [path.name for path in place.numbered()] == ["iter_4.pth"]
    (tmp_path / "run" / POINTER).unlink()
    assert find_resumable(place, _read)[0] == place.folder / "iter_4.pth"


def test_what_killed_runs_left_is_removed_and_nothing_else(tmp_path):
    left = (".iter_2.pth.mmtaskssl-abcd_123.pth", ".last_checkpoint.mmtaskssl-0123abcd")
    others = (
        ".iter_2.pth.abcd_123.pth",
        ".hidden",
        ".notes.12345678",
        ".iter_2.pth.short.pth",
        "my.pth",
    )
    for name in (*left, *others):
        (tmp_path / name).write_text("x")
    run(_config(tmp_path, best=False))
    assert set(others) <= set(_files(tmp_path))
    assert not set(left) & set(_files(tmp_path))


def test_an_argument_that_the_hook_has_not_is_refused_before_training(tmp_path):
    cfg = _config(tmp_path)
    cfg.default_hooks.checkpoint.max_keep_ckpt = 1
    with pytest.raises(UserError, match="'max_keep_ckpt'"):
        run(cfg)


def test_published_keys(tmp_path):
    cfg = _config(tmp_path)
    cfg.default_hooks.checkpoint.published_keys = ["state_dict"]
    run(cfg)
    published = list(tmp_path.glob("*-*.pth"))
    assert len(published) == 2  # the last and the best
    for path in published:
        assert list(_read(path)) == ["state_dict"]


@pytest.fixture(autouse=True)
def _stop_at():
    from mmengine.hooks import Hook

    from mmtaskssl.registry import HOOKS

    @HOOKS.register_module(force=True)
    class StopAt(Hook):
        priority = "LOWEST"

        def __init__(self, at):
            self.at = at

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            if runner.iter + 1 == self.at:
                runner.train_loop.stop_training = True

    yield
    HOOKS.module_dict.pop("StopAt")
