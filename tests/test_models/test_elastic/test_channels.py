import pytest
import torch

from mmtaskssl.models.elastic import make_channels, num_channels, take


def test_ranges_that_touch_become_one():
    assert make_channels([(0, 4), (4, 6)]) == 6
    assert make_channels([(0, 4), (6, 8)]) == ((0, 4), (6, 8))
    assert make_channels([(2, 4), (4, 6), (7, 8)]) == ((2, 6), (7, 8))


@pytest.mark.parametrize("ranges", [[], [(0, 0)], [(0, 4), (3, 6)], [(4, 6), (0, 2)]])
def test_bad_ranges_are_refused(ranges):
    with pytest.raises(ValueError):
        make_channels(ranges)


def test_count():
    assert num_channels(5) == 5
    assert num_channels(((0, 4), (6, 9))) == 7


def test_all_channels_are_the_tensor_itself():
    x = torch.arange(6.0)
    assert take(x, 0, None) is x
    assert take(x, 0, 6) is x


def test_prefix_is_a_view_and_ranges_are_gathered():
    x = torch.arange(24.0).reshape(4, 6)
    assert take(x, 1, 3).data_ptr() == x.data_ptr()
    expected = x[:, [0, 1, 4, 5]]
    assert torch.equal(take(x, 1, ((0, 2), (4, 6))), expected)


def test_too_many_channels():
    with pytest.raises(ValueError, match="7 channels"):
        take(torch.zeros(6), 0, 7)
    with pytest.raises(ValueError):
        take(torch.zeros(6), 0, ((0, 2), (5, 7)))


def test_gradient_outside_is_exactly_zero():
    x = torch.randn(8, requires_grad=True)
    take(x, 0, ((0, 2), (4, 6))).sum().backward()
    assert x.grad.tolist() == [1, 1, 0, 0, 1, 1, 0, 0]
