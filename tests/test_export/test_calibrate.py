import runpy

import pytest
import torch

from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.datasets.image_sample import draw_images
from mmtaskssl.export import calibration
from mmtaskssl.export.calibrate import calibrate_to_file
from mmtaskssl.networks import open_network
from mmtaskssl.utils.errors import UserError
from mmtaskssl.weights import load_state_dict

from .._images import make_image_folder
from ._files import OTHER, STOCK, write_files


@pytest.fixture
def files(tmp_path):
    config, checkpoint, net = write_files(tmp_path)
    make_image_folder(tmp_path / "images", n_per_class=6, size=40)
    return config, checkpoint, net, str(tmp_path / "images")


@pytest.fixture
def tool(repo_root):
    return runpy.run_path(str(repo_root / "tools" / "calibrate_bn.py"))["main"]


def _statistics(path, prefix="backbone."):
    prefix += "subnet_statistics."
    state = load_state_dict(path)
    return {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}


def test_tool_calibrates_and_export_accepts(files, tool, repo_root, tmp_path, capsys):
    config, checkpoint, _, images = files
    tool([config, checkpoint, "--subnet", STOCK, "--images", images])
    out = tmp_path / "net-calibrated.pth"
    assert str(out) in capsys.readouterr().out
    assert torch.load(out, weights_only=True)["meta"]["calibration"]["images"] == 12
    assert not (tmp_path / "net-calibrated.pth.parts").exists()
    export = runpy.run_path(str(repo_root / "tools" / "export_subnet.py"))["main"]
    export([config, str(out), "--subnet", STOCK, "--out", str(tmp_path / "export")])
    before = load_state_dict(checkpoint)
    after = load_state_dict(out)
    assert all(torch.equal(after[key], before[key]) for key in before)
    # a second round keeps the first
    tool([config, str(out), "--subnet", OTHER, "--images", images, "--out", str(out)])
    again = _statistics(out)
    assert set(again) == {STOCK, OTHER}
    assert torch.equal(again[STOCK], after[f"backbone.subnet_statistics.{STOCK}"])


def test_the_order_of_sub_nets_and_repetition_do_not_matter(files, tool, tmp_path):
    config, checkpoint, _, images = files
    results = []
    for number, names in enumerate([(STOCK, OTHER), (OTHER, STOCK), (OTHER,)]):
        out = str(tmp_path / f"{number}.pth")
        tool([config, checkpoint, "--subnet", *names, "--images", images, "--out", out])
        results.append(_statistics(out))
    for name in (STOCK, OTHER):
        assert torch.equal(results[0][name], results[1][name])
    assert torch.equal(results[0][OTHER], results[2][OTHER])
    out = str(tmp_path / "0.pth")
    for _ in range(2):  # on its own result
        tool([config, out, "--subnet", OTHER, "--images", images, "--out", out])
        assert torch.equal(_statistics(out)[OTHER], results[0][OTHER])


def test_the_moving_average_has_statistics_of_its_own(files, tool, tmp_path):
    config, checkpoint, _, images = files
    out = str(tmp_path / "out.pth")
    options = ["--images", images, "--out", out, "--source", "ema"]
    tool([config, checkpoint, "--subnet", STOCK, *options])
    assert _statistics(out) == {}
    assert set(_statistics(out, "encoder_k.module.0.")) == {STOCK}


def test_all_and_list(files, tool, tmp_path):
    config, checkpoint, net, images = files
    (tmp_path / "names.txt").write_text(f"{STOCK}\n{OTHER}\n")
    out = str(tmp_path / "out.pth")
    options = ["--images", images, "--out", out]
    tool([config, checkpoint, "--subnet-list", str(tmp_path / "names.txt"), *options])
    assert set(_statistics(out)) == {STOCK, OTHER}
    tool([config, checkpoint, "--all", *options])
    assert set(_statistics(out)) == {s.name for s in net.space} - {net.space.max.name}


def test_an_interrupted_run_continues(files, tmp_path, monkeypatch):
    config, checkpoint, net, images = files
    subnets = [net.resolve(STOCK), net.resolve(OTHER)]
    source = open_network(config, checkpoint, subnets=True)
    sample = draw_images(images, source.preprocessing, batch_size=4)
    calibrate_to_file(tmp_path / "whole.pth", source, subnets, sample)
    real, calls = calibration.collect_statistics, []

    def counted(backbone, subnet, batches):
        calls.append(subnet)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(backbone, subnet, batches)

    monkeypatch.setattr(calibration, "collect_statistics", counted)
    out = tmp_path / "out.pth"
    with pytest.raises(KeyboardInterrupt):
        calibrate_to_file(out, source, subnets, sample)
    assert not out.exists()
    calibrate_to_file(out, source, subnets, sample)
    assert calls == [subnets[0], subnets[1], subnets[1]]
    whole, resumed = _statistics(tmp_path / "whole.pth"), _statistics(out)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    # other images are another calibration, which does not replace this one
    other = draw_images(images, sample.transform, batch_size=4, seed=1)
    with pytest.raises(UserError, match="is of other images"):
        calibrate_to_file(out, source, subnets, other)
    with pytest.raises(KeyboardInterrupt):
        calls[:] = [None]
        calibrate_to_file(out, source, subnets, other, overwrite=True)


def test_files_of_others_stay_beside_the_file(files, tool, tmp_path):
    config, checkpoint, _, images = files
    parts = tmp_path / "out.pth.parts"
    parts.mkdir()
    (parts / "mine.pt").write_bytes(b"mine")
    run = [config, checkpoint, "--subnet", STOCK, "--images", images]
    run += ["--out", str(tmp_path / "out.pth")]
    for more in ([], ["--overwrite"]):
        with pytest.raises(
            UserError,
            match=r"holds 'mine\.pt', which is no part of an unfinished calibration, "
            "and is not replaced: move it away, or calibrate into another file",
        ):
            tool([*run, *more])
    assert [path.name for path in parts.iterdir()] == ["mine.pt"]
    (parts / "mine.pt").rename(tmp_path / "mine.pt")
    parts.rmdir()
    parts.write_text("mine")
    with pytest.raises(UserError, match="is a file, and no folder: move it away"):
        tool(run)
    assert parts.read_text() == "mine"


def test_statistics_are_those_of_the_images(files):
    net, images = files[2:]
    transform = EvalTransform(32)
    sample = draw_images(images, transform, count=8, batch_size=8)
    batch = next(iter(sample))
    assert batch.shape == (8, 3, 32, 32)
    statistics = calibration.collect_statistics(net, STOCK, sample)
    features = torch.nn.functional.conv2d(
        batch, net.conv1.weight[:8], stride=2, padding=3
    )
    torch.testing.assert_close(statistics[0, :8], features.mean((0, 2, 3)).detach())
    torch.testing.assert_close(statistics[1, :8], features.var((0, 2, 3)).detach())


def test_draws(files):
    images = files[3]
    transform = EvalTransform(32)
    first = draw_images(images, transform, count=5, seed=3)
    assert first.ids == draw_images(images, transform, count=5, seed=3).ids
    assert first.ids != draw_images(images, transform, count=5, seed=4).ids
    assert len(draw_images(images, transform, count=99).ids) == 12
    sizes = [len(b) for b in draw_images(images, transform, batch_size=5)]
    assert sizes == [4, 4, 4]


def test_broken_images_are_skipped(files, tmp_path):
    images = tmp_path / "images"
    for path in sorted(images.rglob("*.*"))[:3]:
        path.write_bytes(b"nothing")
    assert len(draw_images(str(images), EvalTransform(32)).ids) == 9
    for path in images.rglob("*.*"):
        path.write_bytes(b"nothing")
    with pytest.raises(UserError, match="can be read"):
        draw_images(str(images), EvalTransform(32))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--subnet", "tiny"], "not the name of a sub-net"),
        ([], "--subnet"),
        (["--subnet", "MIN", "--num-images", "0"], "from 1 on, not 0"),
        (["--subnet", "MIN", "--batch-size", "1"], "from 2 on, not 1"),
        (["--subnet", "MIN", "--images", "nowhere"], "does not exist"),
        (["--subnet-list", "nowhere.txt"], "does not exist"),
        (["--subnet", "MIN", "--device", "warp:9"], "cannot be used"),
    ],
)
def test_bad_arguments_say_what_is_wrong(files, tool, tmp_path, arguments, words):
    config, checkpoint, _, images = files
    out = tmp_path / "out.pth"
    with pytest.raises(UserError, match=words):
        tool([config, checkpoint, "--images", images, *arguments, "--out", str(out)])
    assert not out.exists()
