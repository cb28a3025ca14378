"""A diagnosis from images to its page."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from mmtaskssl.customize.diagnosis import diagnose as module
from mmtaskssl.customize.diagnosis.diagnose import diagnose
from mmtaskssl.customize.diagnosis.diagnosis import Diagnosis
from mmtaskssl.customize.race import judge
from mmtaskssl.customize.starts import Start
from mmtaskssl.networks import open_network
from mmtaskssl.utils.errors import UserError

from ._cases import CONFIG, make

UNTRAINED = Start.untrained(CONFIG)
_HOW = {"sides": (16, 32), "workers": 0}


@pytest.fixture(scope="module", autouse=True)
def _one_weight_decay():
    # To choose one takes twenty fits a fold, and is tested where it is done.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(judge, "_WEIGHT_DECAYS", (1.0,))
        yield


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return make(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Weights of a file: what is drawn with another seed."""
    path = tmp_path_factory.mktemp("weights") / "ours.pth"
    state = open_network((CONFIG, "random"), seed=5).backbone.state_dict()
    torch.save({f"backbone.{key}": value for key, value in state.items()}, path)
    return Start.parse(f"{CONFIG}={path}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("out") / "diagnosis"


@pytest.fixture(scope="module")
def said(found, start, folder):
    return diagnose(found, [start, UNTRAINED], out=folder, **_HOW)


def test_others_help_with_the_pool(said, found, start, tmp_path):
    asked, lines = [], []

    def help(name, most, function, *arguments):
        asked.append((name, most))
        function(*arguments)

    out = tmp_path / "diagnosis"
    how = {**_HOW, "out": out, "log": lines.append}
    again = diagnose(found, [start, UNTRAINED], help=help, **how)
    assert asked == [("features of the pool at 32 px", 1)]
    assert any("1 of 1 shards are done" in line for line in lines)
    assert again.likeness.to_dict() == said.likeness.to_dict()
    assert not [*out.rglob("*-ids.json")]


def test_starts_are_judged_at_their_sides(said, start):
    ours, drawn = said.measured
    assert [at.side for at in ours.at] == [16, 32] and ours.headroom is not None
    assert [at.side for at in drawn.at] == [16] and drawn.headroom is None
    assert said.best is ours and ours.start == start
    assert len(ours.at[0].judged.of("linear")) == 12
    assert ours.linear == 100.0  # two colours
    assert ours.at[1].macs > ours.at[0].macs > 0 and 1 <= ours.at[0].rank <= 12


def test_pool_and_target_are_compared(said, found):
    assert said.likeness.pool == said.likeness.seen == len(found.pool_ids)
    assert len(said.pool) == 48 and len(said.train) == 12
    assert said.pool.manifest["transform"]["image_size"] == 32
    assert said.train.class_names == ["green", "red"]


def test_table_and_page_say_it(said, tmp_path):
    table = said.table()
    # By such short features the target's images are as similar as any two.
    assert "these features do not tell them apart" in table and "nan" not in table
    apart = dataclasses.replace(said.likeness, own=said.likeness.random + 0.1)
    told = dataclasses.replace(said, likeness=apart).table()
    assert "closeness 0: as a random image" in told and "nan" not in told
    for text in ("ours", "untrained", "similarity", "recommended: "):
        assert text in table
    page = said.report(tmp_path / "page.html").read_text()
    assert page.count("<svg") == 3 + 2  # a bar a start and side, curve, histogram
    for section in said.sections():
        assert section in page
    assert said.recommendation.reasons[0].split("(")[0] in page


def test_it_is_read_again_and_not_made_again(said, found, start, folder, monkeypatch):
    again = Diagnosis.open(folder)
    assert again.to_dict() == said.to_dict()
    assert again.measured[0].at[1].judged == said.measured[0].at[1].judged
    assert np.array_equal(again.pool.read(), said.pool.read())
    monkeypatch.setattr(module, "_solve", None)
    lines = []
    same = diagnose(found, [start, UNTRAINED], out=folder, log=lines.append, **_HOW)
    assert same.table() == said.table() and "read again" in lines[0]
    with pytest.raises(UserError, match=r"not made from the same inputs \(starts\)"):
        diagnose(found, [UNTRAINED], out=folder, **_HOW)


def test_what_was_interrupted_goes_on(found, start, tmp_path, monkeypatch):
    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    out, small = tmp_path / "out", {"sides": [16], "workers": 0}
    with monkeypatch.context() as patched:
        patched.setattr(module, "likeness", killed)
        with pytest.raises(KeyboardInterrupt):
            diagnose(found, [UNTRAINED], out=out, **small)
    with pytest.raises(UserError, match="holds no diagnosis"):
        Diagnosis.open(out)
    lines = []
    again = diagnose(found, [UNTRAINED], out=out, log=lines.append, **small)
    assert not [line for line in lines if "images/s" in line]  # none is run again
    memory = diagnose(found, [UNTRAINED], **small)
    assert again.likeness == memory.likeness
    assert again.recommendation == memory.recommendation
    diagnose(found, [start], out=out, overwrite=True, **small)
    assert {path.name for path in out.iterdir()} == {
        "diagnosis.json",
        "features",
        "record.json",
    }
    stores = {"weights0-ours-16px-pool", "weights0-ours-16px-train"}
    assert {path.name for path in (out / "features").iterdir()} == stores


def test_features_that_are_there(said, found, start):
    fewer = dataclasses.replace(found, pool_ids=found.pool_ids[::2])
    part = diagnose(fewer, [start], pool=said.pool, **_HOW)
    assert part.likeness.seen == part.likeness.pool == 24
    with pytest.raises(UserError, match="another transform"):
        diagnose(found, [start], pool=said.pool, sides=[16], workers=0)
    more = dataclasses.replace(found, pool_ids=[*found.pool_ids, "x.png"])
    with pytest.raises(UserError, match=r"no features of 1 images .* x\.png"):
        diagnose(more, [start], pool=said.pool, **_HOW)


def test_a_part_of_the_pool(found):
    said = diagnose(found, [UNTRAINED], budget_images=12, sides=[16], workers=0)
    assert len(said.pool) == said.likeness.seen == 12 and said.likeness.pool == 48


def test_images_of_several_classes(tmp_path):
    several = make(tmp_path, pool=20, several=True)
    said = diagnose(several, [UNTRAINED], sides=[16], workers=0)
    scores = said.measured[0].at[0].judged.scores["linear"]
    assert len(scores) == 12 and min(scores) > 0  # "any" is in each image


def test_what_cannot_be_diagnosed(found, start, tmp_path):
    def refused(match, starts=(UNTRAINED,), of=found, **how):
        with pytest.raises(UserError, match=match):
            diagnose(of, starts, **{**_HOW, **how})

    refused("names no network", starts=[])
    refused("named twice", starts=[start, start])
    refused("names none for start untrained", sides={"other": [16]})
    refused("names no side", sides=[])
    refused("whole number from 1 on, not 0", sides=[0])
    refused("has no image", of=dataclasses.replace(found, pool_ids=[]))
    refused("is of use only with", overwrite=True)
    wrong = tmp_path / "wrong.pth"
    torch.save({"backbone.x": torch.zeros(1)}, wrong)
    refused(r"start .*wrong\.pth", starts=[Start.parse(f"{CONFIG}={wrong}")])


def test_a_broken_training_image_is_named(tmp_path):
    broken = make(tmp_path, pool=20)
    path = tmp_path / "train" / broken.train.image_ids[0]
    path.write_bytes(b"no image")
    with pytest.raises(UserError, match=r"0\.png has no feature"):
        diagnose(broken, [UNTRAINED], sides=[16], workers=0)
    Image.new("RGB", (16, 16)).save(path)
    one = dataclasses.replace(
        broken.train,
        image_ids=broken.train.image_ids[:1],
        labels=broken.train.labels[:1],
    )
    with pytest.raises(UserError, match="cannot be divided"):
        alone = dataclasses.replace(broken, train=one)
        diagnose(alone, [UNTRAINED], sides=[16], workers=0)
