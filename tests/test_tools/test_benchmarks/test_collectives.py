"""Strict collectives refuse what NCCL refuses, and let through what it takes."""

import pytest
import torch
import torch.distributed as dist

from harness.collectives import StrictError, strict_collectives
from harness.fake_cuda import fake_cuda, fake_like
from tests._cuda import fake_group
from tests._gloo import in_two_processes


def _outcome(call):
    """What a call says under the rules; the error's first words, or its result."""
    try:
        with strict_collectives("cpu") as traffic:
            call()
    except StrictError as error:
        return str(error).split(":")[0]
    return dict(traffic.calls), dict(traffic.bytes), traffic.objects


def _reduce(tensor):
    dist.all_reduce(tensor)
    return tensor


def _gather(tensor):
    parts = [torch.empty_like(tensor) for _ in range(2)]
    dist.all_gather(parts, tensor)
    return parts


def _work(rank, folder):
    dist.init_process_group("gloo")
    plain = torch.full((2, 3), float(rank))
    results = {
        "plain": _outcome(lambda: _gather(plain)),
        "transposed": _outcome(lambda: _gather(plain.T)),
        "shapes": _outcome(lambda: _reduce(torch.ones(2 + rank))),
        "types": _outcome(
            lambda: _reduce(torch.ones(2, dtype=(torch.int32, torch.float32)[rank]))
        ),
        "object": _outcome(lambda: dist.all_gather_object([None, None], rank)),
    }
    with strict_collectives("cpu"):
        results["sum"] = _reduce(plain.clone())
    return results


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    return in_two_processes(_work, tmp_path_factory.mktemp("strict"))


def test_a_sound_call_runs_and_is_recorded(ranks):
    for rank in ranks:
        assert rank["plain"] == ({"all_gather": 1}, {"all_gather": 48}, 0)
        assert rank["sum"].eq(1).all()


@pytest.mark.parametrize(
    ("defect", "message"),
    [
        ("transposed", "all_gather of a tensor that is not contiguous"),
        ("shapes", "all_reduce of unlike tensors"),
        ("types", "all_reduce of unlike tensors"),
    ],
)
def test_what_nccl_refuses_is_refused_in_every_process(ranks, defect, message):
    for rank in ranks:
        assert rank[defect] == message


def test_collectives_of_objects_are_counted(ranks):
    assert all(rank["object"][2] == 1 for rank in ranks)


def test_in_a_fake_group_the_device_and_layout_are_checked():
    with fake_group(8), fake_cuda(), strict_collectives("cuda") as traffic:
        parts = [fake_like((2, 3)) for _ in range(8)]
        dist.all_gather(parts, fake_like((2, 3)))
        with pytest.raises(StrictError, match="not on cuda"):
            dist.all_reduce(torch.ones(3, device="cpu"))
        with pytest.raises(StrictError, match="not contiguous"):
            dist.all_gather(parts, fake_like((3, 2)).T)
    assert traffic.bytes == {"all_gather": 8 * 24}


def test_originals_come_back():
    before = dist.all_gather
    with strict_collectives():
        assert dist.all_gather is not before
    assert dist.all_gather is before
