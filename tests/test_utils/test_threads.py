"""Threads of short operations."""

import pytest
import torch

from mmtaskssl.evaluation import linear
from mmtaskssl.utils.threads import one_thread


@pytest.fixture
def three():
    """Three threads, whatever the machine has; put back."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_threads_are_put_back(three):
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3
    with pytest.raises(ValueError), one_thread():
        raise ValueError
    assert torch.get_num_threads() == 3
    with one_thread(False):
        assert torch.get_num_threads() == 3


@pytest.mark.parametrize("most, threads", [(10**6, 1), (10, 3)])
def test_small_classifiers_are_fitted_in_one(three, monkeypatch, most, threads):
    seen = set()
    original = linear._loss_and_gradient

    def watched(*args):
        seen.add(torch.get_num_threads())
        return original(*args)

    monkeypatch.setattr(linear, "_loss_and_gradient", watched)
    monkeypatch.setattr(linear, "_ONE_THREAD_VALUES", most)
    linear.fit_linear(torch.randn(20, 4), torch.arange(20) % 2, 2, 1.0)
    assert seen == {threads} and torch.get_num_threads() == 3
