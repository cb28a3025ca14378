"""From a pool and a target to a verdict, on generated images."""

import html
import json
import os
import shutil
from pathlib import Path

import pytest

from mmtaskssl.apis import export
from mmtaskssl.config import load_config
from mmtaskssl.customize.customize import customize
from mmtaskssl.customize.customized import Customized
from mmtaskssl.customize.fit.own import CONFIG
from mmtaskssl.customize.race import race as racing
from mmtaskssl.networks import open_network
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resolve_config

from ._images import START, write_pool, write_start, write_target


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Pool, target, and a start."""
    base = tmp_path_factory.mktemp("images")
    target = write_target(base / "target")
    return write_pool(base / "pool"), target, write_start(base / "start.pth")


def _options(images, **more):
    pool, target, start = images
    # That of the start at 40 px; our network costs more.
    given = {"start": [start], "budget": "3M-6M", "scale": 0.005, "select": 64}
    given["arms"] = ["start", "norms", "continued"]
    return {"pool": pool, "target": target, "workers": 0, **given, **more}


@pytest.fixture(scope="module")
def done(images, tmp_path_factory):
    """A customization, killed in the middle and gone on with."""
    out = tmp_path_factory.mktemp("done") / "out"
    told = racing.judge_test

    def killed(runner, found):
        raise KeyboardInterrupt

    racing.judge_test = killed
    try:
        with pytest.raises(KeyboardInterrupt):
            customize(out=out, **_options(images))
    finally:
        racing.judge_test = told
    lines = []
    return customize(out=out, log=lines.append, **_options(images)), lines


def test_the_answer(done):
    found, _ = done
    verdict = found.verdict
    said = found.record["diagnosis"]["recommendation"]
    assert said["images"] in (None, 64) and "slimmed" not in said["beside"]
    assert verdict.primary == "start" and verdict.budget == "3M-6M"
    assert {a["name"] for a in found.arms} >= {"start", "norms", "continued"}
    by_name = {arm["name"]: arm for arm in found.arms}
    start, continued = by_name["start"], by_name["continued"]
    assert start["macs"] == continued["macs"] and 3e6 <= start["macs"] < 6e6
    assert start["images_seen"] == 0 and continued["images_seen"] == 64
    assert continued["command"].startswith("mmtaskssl pretrain ")
    # What the card must name, with its licence.
    assert start["start"] == continued["start"] == f"timm:{START}"
    assert start["teacher"] is None and continued["teacher"] is None
    card = (found.out / "README.md").read_text()
    assert f"it began from: `{start['start']}`" in card
    assert len(start["test"]["linear"]) == 1
    assert verdict.sentence in found.table()
    (chosen,) = (
        one
        for one in found.record["levers"]
        if (one["arm"], one["without"]) == ("continued", "continued-random")
    )
    # Trained beside the arm for the verdict, not in the race.
    assert chosen["folds"] is None
    assert chosen["test"]["mean"] == pytest.approx(
        continued["test"]["linear"][0]
        - by_name["continued-random"]["test"]["linear"][0]
    )
    assert "the choice of images" in found.table()
    assert "What each lever brings" in found.page()


def test_what_is_handed_over(done, images):
    found, _ = done
    network = open_network(found.backbone)
    assert network.cost(shape=network.preprocessing.image_size).macs == next(
        arm["macs"] for arm in found.arms if arm["name"] == found.verdict.recommended
    )
    cfg = load_config(found.config)
    assert cfg.model.head.num_classes == 3
    assert html.escape(found.verdict.sentence.split(":")[0]) in found.page()
    assert (found.out / "README.md").is_file()
    # Target images, and the first of what was selected for each.
    shown = found.page().partition("What was selected")[2].partition("<h2>")[0]
    assert shown.count('<div class="query">') == 8
    assert shown.count("data:image/jpeg") > 16 and 'class="none"' not in shown


def test_it_goes_on_where_it_was_killed(done):
    _, lines = done
    assert any("train 3M-6M-continued-1i-seed0: done before" in line for line in lines)


def test_a_finished_one_is_read(done, images):
    found, _ = done
    lines = []
    again = customize(out=found.out, log=lines.append, **_options(images))
    assert again.record == found.record and "nothing to do" in lines[0]
    assert Customized.open(found.out).record == found.record


def test_seeds_are_added(done, images, tmp_path):
    found, _ = done
    out = shutil.copytree(found.out, tmp_path / "out")
    # As if another arm had been the answer by the first seed.
    (other,) = export(("timm:test_efficientnet", "random"), image_size=32)
    other.save(out / "backbone", overwrite=True)
    lines = []
    more = customize(out=out, log=lines.append, **_options(images, seeds=2))
    assert "has 1 of 2 seeds: the others are added" in lines[0]
    assert any("continued-1i-seed0: done before" in line for line in lines)
    before, after = (
        {arm["name"]: arm["test"] for arm in one.arms} for one in (found, more)
    )
    assert len(after["continued"]["linear"]) == 2
    assert after["continued"]["linear"][0] == before["continued"]["linear"][0]
    spent = [one.record["compute"]["total_seconds"] for one in (found, more)]
    assert spent[1] > spent[0] > 0
    assert Customized.open(out).verdict == more.verdict
    mine, theirs = (open_network(one.backbone) for one in (found, more))
    assert mine.weights_sha256 == theirs.weights_sha256
    with pytest.raises(UserError, match=r"was made with 2 `seeds`: more of them"):
        customize(out=out, **_options(images))


def test_pages_without_images(done, images, tmp_path):
    found, _ = done
    out = shutil.copytree(found.out, tmp_path / "out")
    pages = [out / "report.html", out / "selection" / "report.html"]
    assert all("data:image/jpeg" in page.read_text() for page in pages)
    lines, options = [], _options(images, thumbnails=False)
    bare = customize(out=out, log=lines.append, **options)
    assert "lacks some of what was asked for" in lines[0]
    assert bare.verdict == found.verdict
    for page in pages:
        text = page.read_text()
        assert "data:image" not in text and ".png" not in text and "<svg" in text
    customize(out=out, log=lines.append, **options)
    assert "nothing to do" in lines[-1]


def test_a_plan_takes_nothing_away(done, images):
    found, _ = done
    again = customize(out=found.out, dry_run=True, **_options(images, seeds=2))
    assert again.record == found.record
    assert Customized.open(found.out).verdict == found.verdict


def test_a_time_is_divided_once(images, tmp_path):
    lines = []
    options = _options(images, arms=["start"], time="1h", log=lines.append)
    customize(out=tmp_path / "out", **options)
    file = next((tmp_path / "out" / "costs").glob("within-*.json"))
    kept = json.loads(file.read_text())
    assert kept["arms"] == ["start"]
    file.write_text(json.dumps({**kept, "said": ["as it was divided"]}))
    customize(out=tmp_path / "out", **{**options, "seeds": 2})
    assert "as it was divided" in lines


def test_names_that_are_no_utf8(images, tmp_path):
    pool, target, start = images
    odd = tmp_path / "pool"
    odd.mkdir()
    for path in pool.iterdir():
        shutil.copy(path, os.fsencode(odd) + b"/caf\xe9" + os.fsencode(path.name))
    options = _options((odd, target, start), arms=["start"])
    found = customize(out=tmp_path / "out", **options)
    assert "caf\N{REPLACEMENT CHARACTER}0" in found.page()


def test_a_plan_decides_nothing_and_is_gone_on_with(images, tmp_path):
    lines = []
    arms = ["start", "continued", "continued-target"]
    options = _options(images, log=lines.append, arms=arms)
    plan = customize(out=tmp_path / "out", dry_run=True, **options)
    assert [one["name"] for one in plan.plan] == [
        "training continued of 3M-6M, 1 iterations",
        "training continued-target of 3M-6M, 1 iterations",
        "training continued-random of 3M-6M, 1 iterations",
    ]
    assert all(one["seconds"] > 0 and one["bytes"] > 0 for one in plan.plan)
    assert plan.table().startswith("a plan: nothing is decided yet")
    assert plan.verdicts == [] and not (tmp_path / "out" / "arms").exists()
    with pytest.raises(UserError, match="only a plan"):
        assert plan.verdict
    # Too short a time leaves the start, which is the answer then.
    done = customize(out=tmp_path / "out", time="0.01s", **options)
    assert done.verdict.recommended == "start"
    assert "nothing to compare it with" in done.verdict.sentence
    assert any("would not suffice for it" in line for line in lines)


def test_what_was_refused_does_not_stand_in_the_way(images, tmp_path):
    out, seen = tmp_path / "out", []
    with pytest.raises(UserError, match="pays for no start at any side"):
        customize(out=out, **_options(images, budget="1-2"))
    # Another budget, the same images: they are not looked at again.
    with pytest.raises(UserError, match="pays for no start at any side"):
        customize(out=out, log=seen.append, **_options(images, budget="2-3"))
    assert any("inspected before" in line for line in seen)
    # Other images.
    pool, target, start = images
    empty = tmp_path / "empty" / "train" / "a"
    empty.mkdir(parents=True)
    with pytest.raises(UserError, match="empty"):
        customize(out=out, **_options((pool, empty.parents[1], start)))
    fewer = shutil.copytree(pool, tmp_path / "pool")
    next(fewer.rglob("*.*")).unlink()
    plan = customize(out=out, dry_run=True, **_options((fewer, target, start)))
    assert plan.record["diagnosis"]
    # From here on it is somebody's work.
    with pytest.raises(UserError, match=r"same inputs \(pool, settings: budgets\)"):
        customize(out=out, **_options(images, budget="3M-7M"))


def test_changed_pixels_are_refused_and_cost_nothing(done, images, tmp_path):
    """Of as many bytes: seeds would be measured on other images."""
    out = shutil.copytree(done[0].out, tmp_path / "out")
    pool, target, start = images
    path = target / "test" / "class0" / "0.png"
    before = path.read_bytes()
    other = (target / "test" / "class1" / "0.png").read_bytes()
    size = max(len(before), len(other))
    try:
        path.write_bytes(other.ljust(size, b"\0"))
        for more in ({}, {"seeds": 2}):
            with pytest.raises(
                UserError, match=r"made from other images or labels \(t"
            ):
                customize(out=out, **_options(images, **more))
            assert Customized.open(out).record == done[0].record
    finally:
        path.write_bytes(before)
    # What cannot be read does not cost what is there, either.
    gone = (pool, tmp_path / "nowhere", start)
    with pytest.raises(UserError):
        customize(out=out, overwrite=True, **_options(gone))
    with pytest.raises(UserError, match="a plan replaces nothing"):
        customize(out=out, overwrite=True, dry_run=True, **_options(images))
    assert Customized.open(out).record == done[0].record


def test_an_answer_stands_while_seeds_are_added(done, images, tmp_path, monkeypatch):
    out = shutil.copytree(done[0].out, tmp_path / "out")

    def killed(runner, found):
        raise KeyboardInterrupt

    monkeypatch.setattr(racing, "judge_test", killed)
    with pytest.raises(KeyboardInterrupt):
        customize(out=out, **_options(images, seeds=2))
    assert Customized.open(out).record == done[0].record


def test_what_its_user_wrote_is_kept(done, images, tmp_path):
    out = shutil.copytree(done[0].out, tmp_path / "out")
    card, config = out / "README.md", out / "config.py"
    mine = card.read_text() + "Licence of the images: mine."
    card.write_text(mine)
    lines = []
    customize(out=out, log=lines.append, **_options(images))
    assert card.read_text() == mine and "nothing to do" in lines[0]
    # Whatever is gone is made again, and not what was edited written over.
    shutil.rmtree(out / "backbone")
    again = customize(out=out, log=lines.append, **_options(images))
    assert open_network(again.backbone).weights_sha256
    assert (out / "README.edited.md").read_text() == mine
    assert "mine." not in card.read_text()
    assert any("README.md was edited: yours is now" in line for line in lines)
    assert not (out / "config.edited.py").exists()
    assert Customized.open(out).verdict == done[0].verdict
    config.write_text(config.read_text() + "\n# one")
    (out / "report.html").unlink()
    customize(out=out, **_options(images))
    config.write_text(config.read_text() + "\n# two")
    next((out / "logs").iterdir()).unlink()
    customize(out=out, **_options(images))
    assert (out / "config.edited.py").read_text().endswith("# one")
    assert (out / "config.edited-2.py").read_text().endswith("# two")
    # And it outlives what it was made beside.
    customize(out=out, overwrite=True, **_options(images, arms=["start"]))
    assert (out / "config.edited-2.py").is_file() and (
        out / "README.edited.md"
    ).is_file()
    assert Customized.open(out).verdict.recommended == "start"


def test_edits_are_kept_while_an_answer_is_made_again(
    done, images, tmp_path, monkeypatch
):
    out = shutil.copytree(done[0].out, tmp_path / "out")

    def killed(runner, found):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(racing, "judge_test", killed)
        with pytest.raises(KeyboardInterrupt):
            customize(out=out, **_options(images, seeds=2))
    config = out / "config.py"
    config.write_text(config.read_text() + "\n# mine")
    # Fewer of them are as good as before; the answer of one stands.
    customize(out=out, **_options(images))
    assert (out / "config.edited.py").read_text().endswith("# mine")


def test_no_seed_is_taken_away_where_files_are_gone(done, images, tmp_path):
    out = shutil.copytree(done[0].out, tmp_path / "out")
    file = out / "record.json"
    record = json.loads(file.read_text())
    record["results"]["inputs"]["seeds"] = 2
    file.write_text(json.dumps(record))
    next((out / "logs").iterdir()).unlink()
    with pytest.raises(UserError, match="none taken away"):
        customize(out=out, **_options(images))
    with pytest.raises(UserError, match="was made with another `time`"):
        customize(out=out, **_options(images, seeds=2, time="2h"))


@pytest.mark.parametrize("what", ["target", "budget"])
def test_what_cannot_be_made_replaces_nothing(done, images, tmp_path, what):
    out = shutil.copytree(done[0].out, tmp_path / "out")
    before = sorted(path for path in out.rglob("*"))
    options = _options(images)
    if what == "budget":
        options["budget"] = "1-2"
    else:
        options["target"] = tmp_path / "one"
        for part in ("train", "test"):
            (tmp_path / "one" / part).mkdir(parents=True)
            name = sorted(p for p in (images[1] / part).iterdir() if p.is_dir())[0]
            shutil.copytree(name, tmp_path / "one" / part / name.name)
    with pytest.raises(UserError, match=r"at least 8 to train|pays for no start"):
        customize(out=out, overwrite=True, **options)
    assert sorted(path for path in out.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir() if path.name[0] == "."] == []
    assert Customized.open(out).record == done[0].record


def test_several_budgets_are_replaced_and_their_edits_kept(images, tmp_path):
    out = tmp_path / "out"
    options = _options(images, arms=["start"], budget=["3M-6M", "6M-12M"])
    found = customize(out=out, **options)
    places = [Path(one["config"]) for one in found.record["backbones"]]
    assert [place.parts[0] for place in places] == ["budgets", "budgets"]
    edited = out / places[1]
    edited.write_text(edited.read_text() + "\n# mine")
    lines = []
    again = customize(out=out, log=lines.append, **options)
    assert "nothing to do" in lines[0] and again.record == found.record
    customize(out=out, overwrite=True, **{**options, "budget": "3M-6M"})
    assert not (out / "budgets").exists()
    assert (
        (out / f"config.{places[1].parts[1]}.edited.py").read_text().endswith("# mine")
    )
    assert Customized.open(out).verdict.recommended == "start"


def test_after_a_plan_it_may_be_other_arms_and_lengths(images, tmp_path):
    out = tmp_path / "out"
    customize(out=out, dry_run=True, **_options(images, scale=1.0, arms=["start"]))
    lines = []
    options = _options(images, arms=["start", "continued"])
    customize(out=out, log=lines.append, **options)
    assert not any("images to do" in line for line in lines)  # nor looked at again
    told = Customized.open(out).table()
    assert "had at most 0.005 times its full length" in told
    # But an answer is of what it was asked with.
    for other, said in (({"scale": 0.01}, "scale"), ({"arms": ["start"]}, "arms")):
        with pytest.raises(UserError, match=f"with another `{said}`"):
            customize(out=out, **{**options, **other})


def test_another_recipe_of_the_same_name_is_refused(images, tmp_path):
    recipe = tmp_path / "recipe.py"
    base = resolve_config(CONFIG).resolve()
    recipe.write_text(f"_base_ = {str(base)!r}")
    options = _options(images, recipe=recipe, arms=["start"])
    customize(out=tmp_path / "out", **options)
    recipe.write_text(f"_base_ = {str(base)!r}\nnumber = 1")
    with pytest.raises(UserError, match=r"same inputs \(settings: recipe_sha256\)"):
        customize(out=tmp_path / "out", **options)


def test_other_options_are_refused(done, images):
    found, _ = done
    with pytest.raises(UserError, match="not made from the same inputs"):
        customize(out=found.out, **_options(images, seed=1))
    with pytest.raises(UserError, match="was made with another `time`"):
        customize(out=found.out, **_options(images, time="2h"))


def test_a_budget_that_nothing_fits(images, tmp_path):
    options = _options(images, budget="1K-2K", start=[])
    with pytest.raises(UserError, match="pays for no start at any side"):
        customize(out=tmp_path / "out", **options)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("time", "soon", "is no time"),
        ("budget", "cheap", "cannot be read as the cost"),
        ("budget", 3e6, "budget"),
        ("budget", [3e6], "is a band such as 30M-36M, not 3000000.0"),
        ("scale", 0, "scale"),
        ("start", ["nothing"], "is no start"),
        ("seeds", 0, "seeds"),
        ("arms", ["leg"], "arms"),
    ],
)
def test_bad_options(images, tmp_path, option, value, said):
    with pytest.raises(UserError, match=said):
        customize(out=tmp_path / "out", **_options(images, **{option: value}))
    assert not (tmp_path / "out").exists()
