"""Two processes on GPUs: over NCCL, or over gloo where they must share one."""

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from mmengine.model.utils import convert_sync_batchnorm
from mmengine.optim import OptimWrapper

from mmtaskssl.models.algorithms import ElasticDDP
from mmtaskssl.models.elastic import ElasticBatchNorm2d, NormView, elastic_norm
from tests._gloo import in_two_processes

from . import _build, _supernets
from ._elastic import batch, fresh_hub

pytestmark = pytest.mark.gpu

_PART = NormView(channels=4, tracked=False, subnet="s8-w4-d1")


def _work(rank, folder):
    gpus = torch.cuda.device_count()
    device = torch.device("cuda", rank % gpus)
    torch.cuda.set_device(device)
    dist.init_process_group("nccl" if gpus > 1 else "gloo")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return _results(rank, device)


def _results(rank, device):
    out = {"keys": _keys(rank, device), "norm": _norm(rank, device)}
    for kind in _supernets.KINDS:
        out[kind] = _step(kind, rank, device)
    return out


def _keys(rank, device):
    """Keys of this process's images, with and without the exchange of images."""
    fresh_hub()
    model = _build.build("MoCo").to(device)
    encoder = model.encoder_k.eval()
    encoder.update(model.backbone, model.neck)
    images = _build.views(seed=rank)[0].to(device)
    plain = F.normalize(encoder(images)[0], dim=1)
    return plain.detach().cpu(), model._keys(images).cpu()


def _norm(rank, device):
    """A slice of a synchronised batch norm, forward and backward."""
    torch.manual_seed(0)
    norm = ElasticBatchNorm2d(6)
    torch.nn.init.normal_(norm.weight)
    synced = convert_sync_batchnorm(torch.nn.Sequential(norm))[0].to(device)
    joined = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    x = joined[rank * 4 : rank * 4 + 4].to(device).requires_grad_()
    y = elastic_norm(synced, x, _PART)
    y.square().sum().backward()
    reference = joined.clone().requires_grad_()
    weight, bias = norm.weight[:4].detach(), norm.bias[:4].detach()
    expected = F.batch_norm(reference, None, None, weight, bias, training=True)
    expected.square().sum().backward()
    mine = slice(rank * 4, rank * 4 + 4)
    got = (y.detach().cpu(), x.grad.cpu())
    return got, (expected.detach()[mine], reference.grad[mine])


def _step(kind, rank, device):
    """Weights after two steps of all processes."""
    hub = fresh_hub()
    model = convert_sync_batchnorm(_supernets.build(kind).to(device))
    ids = [device.index] if device.type == "cuda" else None
    wrapped = ElasticDDP(model, device_ids=ids)
    trained = [p for p in model.parameters() if p.requires_grad]
    wrapper = OptimWrapper(torch.optim.SGD(trained, lr=0.05, momentum=0.9))
    for step in range(2):
        hub.update_info("iter", step)
        views = [v[rank * 4 : rank * 4 + 4].to(device) for v in batch(step)]
        wrapped.train_step({"inputs": views}, wrapper)
    return [p.detach().cpu() for p in trained]


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    return in_two_processes(_work, tmp_path_factory.mktemp("two_gpus"))


def test_images_are_exchanged_and_keys_put_back(ranks):
    for rank in ranks:
        torch.testing.assert_close(*rank["keys"], rtol=1e-3, atol=1e-4)


def test_slices_of_a_synchronised_norm_see_the_joined_batch(ranks):
    for rank in ranks:
        for got, expected in zip(*rank["norm"], strict=True):
            torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", _supernets.KINDS)
def test_processes_stay_equal(ranks, kind):
    for first, second in zip(ranks[0][kind], ranks[1][kind], strict=True):
        assert torch.equal(first, second) and first.isfinite().all()
