"""A teacher sees the very crop of its student, on both ways to make views."""

import pytest
import torch
import torch.nn.functional as F

from mmtaskssl.models.preprocessors import TwoViewPreprocessor, tensor_views
from mmtaskssl.models.preprocessors.images import as_block
from mmtaskssl.models.preprocessors.teacher_views import TeacherView
from mmtaskssl.utils.errors import UserError

_PLAIN = {"jitter": 0.0, "grey": 0.0, "blur": 0.0}


def _preprocessor(way="opencv", **options):
    options = {"view_size": 16, "seed": 3, "mean": (0,) * 3, "std": (1,) * 3} | options
    made = TwoViewPreprocessor(**options)
    if way == "tensors":
        # As on an accelerator, whose code runs on any device.
        def make(images, sizes, draws, modes, size, norm):
            out = torch.empty(len(draws) * len(sizes), 3, size, size)
            block = as_block({"inputs": images})
            tensor_views.fill_views(out, block, sizes, draws, modes, *norm)
            return list(out.split(len(sizes)))

        made._make = make
    return made


def _ramps(n=6):
    """Images whose values are places: red counts columns, green rows."""
    images = []
    for i in range(n):
        height, width = 60 + 3 * i, 90 - 4 * i
        rows = torch.arange(height).view(-1, 1).expand(height, width)
        columns = torch.arange(width).view(1, -1).expand(height, width)
        images.append(torch.stack([columns, rows, rows]).to(torch.uint8))
    return {"inputs": images}


@pytest.mark.parametrize("way", ["opencv", "tensors"])
def test_both_see_the_same_places(way):
    made = _preprocessor(way, augment=_PLAIN)
    assert made.show(TeacherView(32, (0,) * 3, (1,) * 3)) == 1
    student, _, teacher = made(_ramps(), training=True)["inputs"]
    assert student.shape[2:] == (16, 16) and teacher.shape[2:] == (32, 32)
    # The mean place of each student's pixel is that of the teacher's four.
    torch.testing.assert_close(
        F.avg_pool2d(teacher, 2),
        student,
        atol=1.6,
        rtol=0,  # rounded to grey levels
    )
    flipped = student[:, 0, 0, 0] > student[:, 0, 0, -1]
    assert flipped.any() and not flipped.all()
    assert torch.equal(teacher[:, 0, 0, 0] > teacher[:, 0, 0, -1], flipped)


@pytest.mark.parametrize("way", ["opencv", "tensors"])
def test_colours_change_for_the_student_alone(way):
    augment = {"jitter": 1.0, "grey": 0.5, "blur": 0.5, "solarise": 0.5}
    loud, quiet = (
        _preprocessor(way, augment=changes)
        for changes in (augment, {**_PLAIN, "solarise": 0.0})
    )
    for made in (loud, quiet):
        made.show(TeacherView(32, (0,) * 3, (1,) * 3), views=2)
    got, plain = (made(_ramps(), training=True)["inputs"] for made in (loud, quiet))
    assert all(torch.equal(a, b) for a, b in zip(got[2:], plain[2:], strict=True))
    assert not torch.allclose(got[0], plain[0])


def test_students_views_are_the_same_without_teachers_and_after_a_stop():
    alone, taught = _preprocessor(), _preprocessor()
    taught.show(TeacherView(32, (9, 8, 7), (2, 3, 4)))
    first = [made(_ramps(), training=True)["inputs"] for made in (alone, taught)]
    assert all(torch.equal(a, b) for a, b in zip(first[0], first[1][:2], strict=True))
    again = _preprocessor()
    again.show(TeacherView(32, (9, 8, 7), (2, 3, 4)))
    again.load_state_dict(taught.state_dict())
    second = [made(_ramps(), training=True)["inputs"] for made in (taught, again)]
    assert all(torch.equal(a, b) for a, b in zip(*second, strict=True))
    assert not torch.equal(first[1][2], second[0][2])
    assert list(taught.state_dict()) == ["step"]  # the statistics are the teacher's


def test_each_teacher_has_its_own_size_statistics_and_channels():
    made = _preprocessor(augment=_PLAIN, views=1)
    made.show(TeacherView(24, (0,) * 3, (1,) * 3))
    made.show(TeacherView(24, (10, 20, 30), (2, 4, 5), "bgr"))
    _, plain, other = made(_ramps(), training=True)["inputs"]
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in ((10, 20, 30), (2, 4, 5)))
    torch.testing.assert_close(other, (plain.flip(1) - mean) / std)
    assert len(made(_ramps())["inputs"]) == 1  # none for evaluation


def test_one_crop_for_all_views():
    made = _preprocessor(views=3, one_crop=True, augment=_PLAIN)
    assert made.show(TeacherView(16, (0,) * 3, (1,) * 3), views=3) == 1
    views = made(_ramps(), training=True)["inputs"]
    assert len(views) == 4
    assert all(torch.equal(view, views[0]) for view in views)
    with pytest.raises(UserError, match="4 views are to be taught"):
        made.show(TeacherView(16, (0,) * 3, (1,) * 3), views=4)
    with pytest.raises(UserError, match="`views` must be a whole number from 1"):
        _preprocessor(views=0)
