"""What is recommended, and in which words."""

import pytest

from mmtaskssl.customize.verdict.difference import difference
from mmtaskssl.customize.verdict.verdict import BETTER, SAME, WORSE, Verdict, decide

NAMES = {
    "start": "Lite0 as it is",
    "norms": "Lite0 with other norms",
    "continued": "Lite0 continued",
}


def _right(count, of=200):
    return [[100.0] * count + [0.0] * (of - count)]


def _decide(ours, start, norms, chosen="continued"):
    scores = {"continued": _right(ours), "start": _right(start), "norms": _right(norms)}
    return decide(
        [*scores],
        lambda arm, control: difference(scores[arm], scores[control], control),
        primary="start",
        candidate="continued",
        chosen=chosen,
        names=NAMES,
        budget="1M-2M",
    )


def test_better_is_recommended():
    found = _decide(150, 120, 100)
    assert (found.outcome, found.recommended) == (BETTER, "continued")
    assert [d.control for d in found.differences] == ["start", "norms"]
    assert found.differences[0].p_holm is None  # named beforehand
    assert found.differences[1].p_holm is not None
    assert found.sentence.startswith(
        "Use Lite0 continued: better than Lite0 as it is by +15.0 points of linear"
    )
    assert "of these weights" in found.sentence


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (100, "The choice of images is part of it: minus the same on as many random "),
        (150, "The choice of images is not shown to matter: "),
        (195, "Random images of the pool would have been better: "),
    ],
)
def test_what_the_choice_of_images_brought_is_a_sentence(other, said):
    scores = {"ours": _right(150), "start": _right(50), "ours-random": _right(other)}
    found = decide(
        [*scores],
        lambda arm, control: difference(scores[arm], scores[control], control),
        primary="start",
        candidate="ours",
        chosen="ours",
        names={name: name for name in scores},
    )
    assert found.choice.startswith(said)
    assert found.to_dict()["choice"] == found.choice
    assert not _decide(150, 120, 100).choice  # no such control


def test_no_different_gives_the_control():
    found = _decide(121, 120, 100)
    assert (found.outcome, found.recommended) == (SAME, "start")
    assert "is not shown to differ from Lite0 as it is" in found.sentence


def test_worse_gives_the_control():
    found = _decide(90, 120, 100)
    assert (found.outcome, found.recommended) == (WORSE, "start")
    assert "is worse than Lite0 as it is" in found.sentence


def test_training_images_go_before_the_test():
    """What they did not choose is not recommended, however good it is on test."""
    found = _decide(150, 120, 100, chosen="start")
    assert (found.outcome, found.recommended) == (SAME, "start")
    assert "within the training images Lite0 continued is not better" in found.sentence


@pytest.mark.parametrize("ours", [90, 150])
def test_never_significantly_worse_than_a_control(ours):
    found = _decide(ours, 120, 199)
    assert found.recommended == "norms"
    assert found.sentence.startswith("Use Lite0 with other norms")


def test_the_sentence_names_what_was_compared():
    """What is used is another control than the primary one."""
    found = _decide(121, 120, 199, chosen="start")
    assert found.recommended == "norms" and found.lead.mean == pytest.approx(39.5)
    assert found.sentence.startswith(
        "Use Lite0 with other norms, which is better than Lite0 as it is by +39.5"
    )
    assert "Lite0 continued is not better than Lite0 as it is by more" in found.sentence
    assert Verdict.of_dict(found.to_dict()) == found


def test_of_controls_alone_the_better_one_is_recommended():
    """The candidate is a control, too, where nothing was trained."""
    scores = {"norms": _right(160), "start": _right(80), "untrained": _right(10)}
    found = decide(
        [*scores],
        lambda arm, control: difference(scores[arm], scores[control], control),
        primary="start",
        candidate="norms",
        chosen="start",
        names={**NAMES, "untrained": "nothing"},
        controls=[*scores],
    )
    assert found.recommended == "norms"
    assert "which is better than Lite0 as it is by +40.0" in found.sentence


def test_reads_back():
    found = _decide(150, 120, 100)
    assert Verdict.of_dict(found.to_dict()) == found


def test_what_rounds_to_nothing_has_no_sign():
    assert str(difference(_right(100), _right(100), "start")) == "0.0 [0.0, 0.0]"
    assert "by 0.0 points" not in _decide(150, 120, 100).sentence
