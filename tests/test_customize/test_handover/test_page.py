"""The report's page and the model card: what they say, and of what is missing."""

import html.parser
import json

import pytest
import yaml

from mmtaskssl.customize.handover.model_card import model_card
from mmtaskssl.customize.handover.next_steps import next_steps
from mmtaskssl.customize.handover.page import page
from mmtaskssl.utils.errors import UserError

from ._records import NAMES, START, arm, difference, record, verdict

_VOID = ("meta", "img", "br", "link")


class _Tags(html.parser.HTMLParser):
    """Refuses tags that are not closed in their order, and collects texts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.attributes = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def place(self, text):
        return next(i for i, t in enumerate(self.texts) if text in t)


def _worse(budget="60M-70M"):
    """A budget at which the start is not to be beaten."""
    return verdict(
        budget,
        outcome="no different",
        recommended="start",
        chosen="start",
        scope="these weights",
        sentence=f"Use {NAMES['start']}: no different (+1.0 points).",
        differences=[
            difference("start", 1.0, -1.5, 3.5, 0.4),
            difference("continued-random", -2.6, -4.4, -0.8, 0.004, 0.01),
        ],
    )


def test_the_answer_comes_first():
    section = "<h2>What was selected</h2><p>pictures</p>"
    found = _Tags(page(record(), [section]))
    assert found.texts[found.place("Use ")] == f"Use {NAMES['continued']}"
    order = [
        "Better than timm:tf_efficientnet_lite0 as it is by +6.4",
        "+6.4 [+3.1, +9.7]",
        "+2.6 [-0.4, +5.6]",
        "6,010",
        "14 images of the pool are copies of test.",
        "What was selected",
        "What was compared",
        "60.5 ± 0.6",
        "mmtaskssl pretrain arms/continued.py",
        "What it took",
        "31:36 min in all; 51.9 T MACs",
        "was still rising: +2.0 points from 100 to 200 iterations",
        "--cfg-options backbone=backbone",
        "How this was made",
    ]
    places = [found.place(text) for text in order]
    assert places == sorted(places)
    sources = [v for k, v in found.attributes if k in ("src", "href")]
    assert sources == ["data:,"]  # nothing is fetched; of the icon there is none


def test_the_picture_is_of_the_figures():
    text = page(record())
    # -0.4 - 6 % to 9.7 + 6 %: zero, the ends and the means lie where they should.
    low, high = -0.4 - 0.06 * 10.1, 9.7 + 0.06 * 10.1
    for value in (0.0, 3.1, 6.4, -0.4, 2.6):
        assert f"left:{100 * (value - low) / (high - low):.2f}%" in text
    assert text.count('class="row better"') == 1 and 'class="row same"' in text
    assert text.count('<svg class="spark"') == 4
    assert "linear: 57.2 after 50, 59.2 after 100, 61.2 after 200" in text


def test_several_budgets_are_a_curve():
    arms = [arm(name) for name in NAMES]
    arms += [arm(name, "60M-70M", 64_000_000) for name in NAMES]
    two = record(
        budgets=["30M-36M", "60M-70M"], arms=arms, verdict=[verdict(), _worse()]
    )
    text = page(two)
    found = _Tags(text)
    assert found.place("The backbones to use for classification") < found.place("60M")
    assert "What a larger budget brings" in text and 'class="row worse"' in text
    assert "<title>32.1 M MACs: 63.6</title>" in text
    assert "<title>64.0 M MACs: 57.2</title>" in text  # the start, not the candidate
    assert "What a larger budget brings" not in page(record())
    steps = next_steps(two)
    assert "Budget 60M-70M: One training was compared" in " ".join(steps)
    assert any("±2.5 points: four times as many, 2,080" in step for step in steps)


def test_what_is_missing_is_left_out():
    whole = record()
    for key in whole:
        _Tags(page({k: v for k, v in whole.items() if k != key}))
    for name in whole["arms"][1]:
        if name not in ("name", "budget"):
            arms = [
                {k: v for k, v in one.items() if k != name} for one in whole["arms"]
            ]
            _Tags(page(record(arms=arms)))
    assert "A plan, and no verdict yet" in page({})
    assert "Use a &lt;b&gt;" in page(
        record(verdict=[verdict(sentence="Use a <b>: no")])
    )
    assert "No public weights were tried" in page(record(inputs={"starts": []}))


def test_a_card_has_its_metadata_and_marks_licences(tmp_path):
    (tmp_path / "backbone").mkdir()
    meta = {
        "network": "tf_efficientnet_lite0",
        "image_size": 64,
        "plain_network": {
            "type": "mmtaskssl.TimmBackbone",
            "name": "tf_efficientnet_lite0",
        },
        "labels": "ImageNet-1k, if they are timm's own weights",
        "weights": "weights.pth",
    }
    (tmp_path / "backbone" / "meta.json").write_text(json.dumps(meta))
    inputs = {"pool": {"images": 6010, "images_sha256": "ab" * 32}, "starts": [START]}
    path = model_card(record(inputs=inputs), tmp_path)
    text = path.read_text()
    _, front, body = text.split("---\n", 2)
    found = yaml.safe_load(front)
    assert found["license"] == "other"
    assert found["base_model"] == "timm/tf_efficientnet_lite0.in1k"
    assert found["library_name"] == "mmtaskssl" and "classification" in found["tags"]
    metric = found["model-index"][0]["results"][0]["metrics"][0]
    assert metric == {
        "type": "accuracy",
        "name": "linear top-1 on frozen features, %",
        "value": 63.0,  # of the weights that are in the folder
    }
    for part in (
        "Licence of the images: not known here, fill it in.",
        "6,010 images (SHA-256 over theirs in order `abababababababab`)",
        f"began from: `{START}`. **Licence: ",
        "ImageNet-1k, if they are timm's own weights",
        f"Handed over for 30M-36M: {NAMES['continued']}, **63.0 %** (the first of 2 "
        "trainings; all: 63.6 ± 0.8).",
        "| +6.4 | +3.1 to +9.7 | 0.001 | 520 | 2 |",
        "| +2.6 | -0.4 to +5.6 | 0.18 | 520 | 2 |",
        'timm.create_model("tf_efficientnet_lite0", num_classes=0)',
        "measured at 64 px",
    ):
        assert part in body, part
    model_card(record(verdict=[_worse("30M-36M")]), tmp_path)  # takes its place
    assert "Within the training images nothing was better than" in path.read_text()
    # A control that is handed over has its own figure.
    assert (
        f"Handed over for 30M-36M: {NAMES['start']}, **57.2 %**.\n" in path.read_text()
    )
    taught = [arm("start"), arm("continued", start=None, teacher=START)]
    text = model_card(record(arms=taught), tmp_path).read_text()
    assert f"Weights that taught it: `{START}`. **Licence: " in text
    assert "it began from" not in text
    # The folds chose the control, whatever the test images said.
    kept = verdict(chosen="start", recommended="start", outcome="no different")
    assert "leave the difference open" not in page(record(verdict=[kept]))
    assert "leave the difference open" in page(record(verdict=[_worse()]))
    lost = verdict(recommended="start", outcome="no different")
    text = model_card(record(verdict=[lost]), tmp_path).read_text()
    assert "What was chosen within the training images was not" in text
    model_card({}, tmp_path / "none")
    path.write_text("# Mine\n")
    with pytest.raises(UserError, match="is not a model card of mmtaskssl"):
        model_card(record(), tmp_path)


def test_figures_of_a_detection_are_its_own(tmp_path):
    found = {"mAP at IoU 0.5": [41.3]}
    arms = [arm(name, test=found if name == "continued" else None) for name in NAMES]
    said = {"verdict": [verdict(metric="mAP at IoU 0.5")]}
    made = record(arms=arms, inspection={"kind": "detection"}, **said)
    text = page(made)
    parsed = _Tags(text)
    assert "mAP at IoU 0.5, test" in parsed.texts and "kNN, test" not in parsed.texts
    assert "mAP at IoU 0.5 on the test images, in %" in parsed.texts
    assert parsed.texts.count("41.3") == 2
    (tmp_path / "backbone").mkdir()
    (tmp_path / "backbone" / "meta.json").write_text(json.dumps({"image_size": 64}))
    front = model_card(made, tmp_path).read_text().split("---\n", 2)[1]
    (result,) = yaml.safe_load(front)["model-index"][0]["results"]
    assert result["metrics"] == [
        {
            "type": "map",
            "name": "mAP at IoU 0.5 after a short fine-tuning, %",
            "value": 41.3,
        }
    ]
    text = (tmp_path / "README.md").read_text()
    assert "It was measured at" not in text and "compared by short fine-tunings" in text


def test_small_p_values_are_told_as_such(tmp_path):
    gap = difference("start", 6.4, 3.1, 9.7, 1.8e-54)
    made = record(verdict=[verdict(differences=[gap])])
    assert "<small>p &lt; 0.001</small>" in page(made)
    (tmp_path / "backbone").mkdir()
    assert "| < 0.001 |" in model_card(made, tmp_path).read_text()


def test_what_each_lever_brings():
    one = {
        "budget": "30M-36M",
        "lever": "the choice of images",
        "arm": "continued",
        "without": "continued-random",
        "folds": {"mean": 2.0, "error": 1.5, "share": 0.5},
        "test": difference("continued-random", 2.6, -0.4, 5.6),
    }
    parsed = _Tags(page(record(levers=[one, {**one, "folds": None, "test": None}])))
    assert "What each lever brings" in parsed.texts
    assert "+2.0 ± 1.5 after 50 % of the training" in parsed.texts
    assert "+2.6 [-0.4, +5.6]" in parsed.texts
    assert "What each lever brings" not in _Tags(page(record())).texts
