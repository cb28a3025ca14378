import pytest
import torch
import torch.nn.functional as F

from mmtaskssl.utils.errors import UserError
from tests.test_models.test_algorithms._build import build, views


def _keys(n, seed):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(n, 12, generator=generator), dim=1)


def test_queue_keeps_the_newest_keys_of_any_batch():
    model = build("MoCo")  # a queue of 20
    expected = list(model.queue.T.clone())
    place = 0
    for seed, n in enumerate([8, 8, 8, 3, 20, 1]):
        keys = _keys(n, seed)
        model._dequeue_and_enqueue(keys)
        for key in keys:
            expected[place % 20] = key
            place += 1
        torch.testing.assert_close(model.queue.T, torch.stack(expected))
        assert int(model.queue_ptr) == place % 20


def test_a_step_enqueues_the_keys_after_the_loss():
    model = build("MoCo")
    before = model.queue.clone()
    model.loss(views(n=6))
    assert int(model.queue_ptr) == 6
    torch.testing.assert_close(model.queue[:, 6:], before[:, 6:])
    torch.testing.assert_close(model.queue[:, :6].norm(dim=0), torch.ones(6))
    assert not torch.equal(model.queue[:, :6], before[:, :6])


def test_one_process_draws_no_random_number():
    model = build("MoCo")
    state = torch.get_rng_state()
    model.loss(views())
    assert torch.equal(state, torch.get_rng_state())


def test_batch_longer_than_the_queue_is_refused():
    model = build("MoCo")
    model.check_batch(20)
    with pytest.raises(UserError, match=r"21 keys .* the queue holds 20"):
        model.check_batch(21)
    with pytest.raises(UserError, match="the queue holds 20"):
        model.loss(views(n=21))


@pytest.mark.parametrize("kind", ["MoCo", "BYOL", "SimSiam"])
def test_batch_of_one_is_refused(kind):
    with pytest.raises(UserError, match="batch norm"):
        build(kind).check_batch(1)
