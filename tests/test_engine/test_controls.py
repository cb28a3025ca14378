"""Control runs: what each is, that it trains so, and how they compare."""

import json
from pathlib import Path

import pytest
import torch

from mmtaskssl import apis
from mmtaskssl.cli.main import run as cli
from mmtaskssl.config import load_config
from mmtaskssl.engine.controls.arms import random_images
from mmtaskssl.evaluation.paired import paired_difference
from mmtaskssl.networks import open_network
from mmtaskssl.networks.recalibrate import recalibrated
from mmtaskssl.runs import Work
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resolve_config
from mmtaskssl.weights import load_state_dict
from tests._images import make_image_folder

BASE = "configs/selfsup/simsiam/simsiam_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
TEXT = """
_base_ = "{base}"
images = "{images}"
max_iters = 2
log_level = "WARNING"
train_dataloader = dict(
    batch_size=4,
    dataset=dict(_delete_=True, type="UnlabeledImages", source=images),
)
default_hooks = dict(checkpoint=dict(interval=2))
"""
KEPT = ["a/000.png", "b/002.png", "a/003.png", "c/001.png", "c/002.png"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A pool, a target, a selection, a config, and public weights for it."""
    root = tmp_path_factory.mktemp("controls")
    make_image_folder(root / "pool", 4, ("a", "b", "c"), size=40)
    make_image_folder(root / "target" / "train", 4, ("x", "y"), size=40, seed=1)
    make_image_folder(root / "target" / "test", 3, ("x", "y"), size=40, seed=2)
    (root / "kept.txt").write_text("\n".join(KEPT))
    base = Path(resolve_config(BASE)).resolve()
    (root / "config.py").write_text(TEXT.format(images=root / "pool", base=base))
    start = apis.pretrain(root / "config.py", iters=0, seed=7, work_dir=root / "public")
    (root / "public.pth").write_bytes(start.checkpoint.read_bytes())
    return root


@pytest.fixture(scope="module")
def found(place):
    return apis.controls(
        place / "config.py",
        selection=place / "kept.txt",
        public=place / "public.pth",
        seeds=2,
    )


@pytest.fixture(scope="module")
def trained(found, place):
    lines = []
    done = found.run(place / "out", lines.append)
    assert "untrained seed 1: done" in lines
    return done


def _weights(trained, name, seed=0):
    runs = trained._runs(trained.out)
    arm = {arm.name: arm for arm in trained.all_arms}[name]
    return load_state_dict(str(runs.network(arm, seed)[1]))


def test_a_selection_that_was_edited_is_taken_where_one_says_so(place):
    """By the function, by the option, by the flag, and by a training."""
    config, folder = place / "config.py", place / "selected"
    work = Work("selection", 1, {}, ["selection.txt"], "a selection")
    with work.written(folder) as temporary:
        (temporary / "selection.txt").write_text("\n".join(KEPT))
    file = folder / "selection.txt"
    file.write_text("\n".join(KEPT[:4]))
    with pytest.raises(UserError, match="say `edited_selection` to use the images"):
        apis.controls(config, selection=file)
    with pytest.raises(UserError, match="say `edited_selection` to use the images"):
        apis.pretrain(config, selection=file, work_dir=place / "refused")
    options = {"edited_selection": True}
    for found in (
        apis.controls(config, selection=file, edited_selection=True),
        apis.controls(config, selection=file, cfg_options=options),
    ):
        assert found.run_arm.images == 4
    flags = ["--selection", str(file)]
    assert cli(["controls", str(config), *flags, "--edited-selection"]) in (None, 0)
    with pytest.raises(UserError, match="say --edited-selection to use"):
        cli(["controls", str(config), *flags])
    place_of_run = place / "edited"
    arguments = [str(config), "--work-dir", str(place_of_run), "--edited-selection"]
    cli(["pretrain", *arguments, "--cfg-options", f"selection={file}", "max_iters=1"])
    assert (place_of_run / "iter_1.pth").is_file()


def test_what_there_is_to_run(found):
    arms = {arm.name: arm for arm in found.all_arms}
    assert [*arms] == [
        *("run", "untrained", "public-as-is", "public-bn", "public"),
        *("random-images", "generic", "continued-generic"),
    ]
    assert found.left_out == {
        "random-weights": "the run itself begins with random weights"
    }
    steps = {name: (arm.iterations, arm.images_seen) for name, arm in arms.items()}
    for name in ("run", "public", "random-images", "generic"):
        assert steps[name] == (2, 8), name
    assert steps["continued-generic"] == (1, 8)
    assert steps["untrained"] == steps["public-bn"] == (0, 0)
    assert arms["run"].images == arms["random-images"].images == 5
    assert arms["generic"].images == arms["continued-generic"].before.images == 12
    assert "continued-generic  half of the iterations" in found.table()


def test_random_images_are_the_seeds(found):
    arm = next(arm for arm in found.arms if arm.name == "random-images")
    first, second = (arm.arguments(seed)["selection"] for seed in (0, 1))
    assert len({*first}) == len({*second}) == 5 and first != second
    assert random_images(arm.pool, 3, 0) == first[:3]


def test_every_arm_trains_on_its_own_images(trained):
    def lines(name, seed=0):
        file = trained.out / name / f"seed{seed}" / "selection.txt"
        return file.read_text().split() if file.is_file() else None

    assert sorted(KEPT) != sorted(lines("random-images"))
    assert lines("random-images") != lines("random-images", 1)
    for name in ("run", "generic", "public"):
        config = trained.configs[name].train_dataloader.dataset
        expected = "UnlabeledImages" if name == "generic" else "SelectedImages"
        assert config.type.endswith(expected), name


def test_starts_are_what_they_say(trained, place):
    public = load_state_dict(str(place / "public.pth"))
    as_is = _weights(trained, "public-as-is")
    key = "backbone.conv1.weight"
    assert torch.equal(as_is[key], public[key])
    untrained = [_weights(trained, "untrained", seed)[key] for seed in (0, 1)]
    assert not torch.equal(*untrained)
    # Two steps away from the own start, and nearer to it than to the other.
    starts = {"public": public[key], "run": untrained[0]}
    for name, other in (("public", "run"), ("run", "public")):
        found = _weights(trained, name)[key]
        moved, apart = ((found - starts[n]).norm() for n in (name, other))
        assert 0 < moved < apart, name
    assert not (trained.out / "public-as-is" / "seed1").exists()


def test_continued_generic_goes_on_from_the_generic_half(trained):
    folder = trained.out / "continued-generic" / "seed0"
    before = load_state_dict(str(folder / "before" / "iter_1.pth"))
    after = _weights(trained, "continued-generic")
    key = "backbone.conv1.weight"
    assert not torch.equal(after[key], before[key])
    (config,) = folder.glob("*.py")
    assert str(folder / "before" / "iter_1.pth") in config.read_text()


def test_what_is_done_is_not_done_again(trained, found, place, monkeypatch):
    from mmtaskssl.engine.controls import training

    monkeypatch.setattr(training, "pretrain", None)
    lines = []
    found.run(place / "out", lines.append)
    assert {line.split(": ")[1] for line in lines} == {"done before"}
    other = apis.controls(place / "config.py", selection=place / "kept.txt", iters=3)
    with pytest.raises(UserError, match="another config or images"):
        other.run(place / "out")


def test_comparing_pairs_the_seeds(trained, place):
    lines = []
    target = place / "target"
    compared = trained.compare(
        target, probe="knn", log=lines.append, device="cpu", workers=0
    )
    key = (str(target), "knn")
    scores = compared.scores[key]
    assert all([*values] == [0, 1] for values in scores.values())
    assert scores["public-as-is"][0] == scores["public-as-is"][1]
    alone = apis.evaluate(
        (trained.configs["run"], trained.out / "run/seed1/iter_2.pth"),
        target,
        device="cpu",
        workers=0,
    )
    assert scores["run"][1] == alone.mean
    expected = paired_difference(scores["run"], scores["generic"])
    assert compared.differences[key]["generic"] == expected
    assert expected.short() in compared.table()
    page = trained.keep(compared)
    assert page.read_text().count("<tr>") == 2 * (8 + 1)
    value = json.loads((trained.out / "comparison.json").read_text())
    assert value["results"][0]["scores"]["run"]["1"] == scores["run"][1]
    assert (compared.save(place / "kept") / "report.html").is_file()


def test_several_targets_are_paired_by_the_target(trained, place):
    again = make_image_folder(place / "other" / "train", 3, ("u", "v"), seed=5).parent
    make_image_folder(again / "test", 2, ("u", "v"), seed=6)
    both = [place / "target", again]
    compared = trained.compare(both, probe=["knn"], device="cpu", workers=0)
    overall = compared.differences["all", "knn"]["generic"]
    means = [
        [sum(scores[arm].values()) / 2 for scores in compared.scores.values()]
        for arm in ("run", "generic")
    ]
    assert overall == paired_difference(*means) and overall.pairs == 2


def test_a_training_that_is_done_is_the_run(place):
    done = apis.pretrain(
        place / "config.py",
        selection=place / "kept.txt",
        seed=1,
        work_dir=place / "done",
    )
    found = apis.controls(done, ["untrained"], seeds=[1])
    lines = []
    found = found.run(place / "around", lines.append)
    assert lines[0] == f"run seed 1: given, {done.checkpoint}"
    assert not (place / "around" / "run").exists()
    compared = found.compare(place / "target", probe="knn", device="cpu", workers=0)
    assert compared.scores[str(place / "target"), "knn"]["run"].keys() == {1}


def test_batch_norms_know_the_other_images(place):
    cfg = load_config(str(place / "config.py"))
    network = open_network((cfg, place / "public.pth"))
    images = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)) + 2
    fresh = recalibrated(network, images.split(4), device="cpu")
    first = dict(network.backbone.named_modules())["bn1"]
    norm = dict(fresh.backbone.named_modules())["bn1"]
    with torch.no_grad():
        parts = [network.backbone.conv1(part) for part in images.split(4)]
    mean = torch.stack([x.mean((0, 2, 3)) for x in parts]).mean(0)
    var = torch.stack([x.var((0, 2, 3)) for x in parts]).mean(0)
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, var)
    assert not torch.equal(first.running_mean, norm.running_mean)  # left as it was
    assert not norm.training and norm.momentum == first.momentum
    assert torch.equal(first.weight, norm.weight)


def test_what_cannot_be_is_refused(place):
    config = place / "config.py"
    with pytest.raises(UserError, match="no control is called 'nothing'"):
        apis.controls(config, ["nothing"])
    with pytest.raises(UserError, match="'generic': the run itself trains on all"):
        apis.controls(config, ["generic"])
    with pytest.raises(UserError, match="'public-bn': no public weights"):
        apis.controls(config, ["public-bn"])
    with pytest.raises(UserError, match="one different seed"):
        apis.controls(config, seeds=[1, 1])
    (place / "gone.txt").write_text("\n".join([*KEPT, "gone.png"]))
    with pytest.raises(UserError, match=r"1 of 6 images .* first: gone\.png; select"):
        apis.controls(config, selection=place / "gone.txt")
    found = apis.controls(config, ["untrained"])
    with pytest.raises(UserError, match="run\\(out\\)"):
        found.compare(place / "target")
    for bad in ({"out": 3}, {"overwrite": "no"}, {"trust": 1}, {"log": 3}):
        with pytest.raises(UserError, match=f"`{next(iter(bad))}` must be"):
            found.run(**{"out": place / "none", **bad})
    assert not (place / "none").exists()


def test_a_run_that_its_own_start_teaches_has_an_untrained_control(place):
    (place / "taught.py").write_text(
        f"""_base_ = "{place / "config.py"}"
model = dict(distill=dict(teacher=dict(type="StartTeacher", view_size=32)))
"""
    )
    weights = place / "public.pth"
    found = apis.controls(place / "taught.py", ["untrained"], weights=weights, seeds=1)
    (arm,) = found.arms
    assert apis.pretrain(**arm.arguments(0), work_dir=place / "taught").checkpoint
    with pytest.raises(UserError, match="a random one has nothing to say"):
        apis.controls(place / "taught.py", ["random-weights"], weights=weights)


def test_the_verb(place, capsys):
    words = ["controls", str(place / "config.py"), "--kinds", "untrained", "--seeds=1"]
    out = ["--out", str(place / "verb"), "--target", str(place / "target")]
    assert cli([*words]) in (None, 0)
    assert "untrained  random weights, no step" in capsys.readouterr().out
    assert cli([*words, *out, "--probe", "knn", "--device", "cpu"]) in (None, 0)
    text = capsys.readouterr().out
    assert "run seed 0: done" in text and "run - arm" in text
    assert (place / "verb" / "report.html").is_file()
