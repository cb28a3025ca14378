"""Two gloo processes on this machine's CPU."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.dist import broadcast
from mmengine.optim import OptimWrapper

from mmtaskssl.datasets import SyntheticImages
from mmtaskssl.engine.accumulated import accumulated_gradients
from mmtaskssl.engine.hooks import RepresentationHook
from mmtaskssl.engine.knn_pass import KNNPass
from mmtaskssl.engine.run import build_runner
from mmtaskssl.engine.run_checks import check_batches
from tests._gloo import in_two_processes
from tests.test_engine._runs import ALGORITHMS, debug_config


def _work(rank, folder):
    results = {}
    for algorithm in ALGORITHMS:
        cfg = debug_config(algorithm, folder / algorithm, train_cfg__max_iters=4)
        cfg.launcher = "pytorch"
        cfg.model.backbone.norm_cfg.type = "SyncBN"  # has no CPU kernel
        if algorithm == "simsiam":
            # 40 images over two processes in batches of 16: the last is of four.
            cfg.train_cfg = {"type": "EpochBasedTrainLoop", "max_epochs": 2}
            cfg.train_dataloader.sampler = {"type": "DefaultSampler"}
            cfg.train_dataloader.dataset.num_images = 40
        runner = build_runner(cfg)
        check_batches(runner)
        runner.train()
        results[algorithm] = {
            "parameters": {k: p.data for k, p in runner.model.named_parameters()},
            "iterations": runner.iter,
        }
        if algorithm == "mocov2":
            results["queue"] = runner.model.module.queue
            results["keys"] = _keys(runner.model.module, rank)
            results["knn"] = _knn(runner)
    results["accumulated"] = _accumulated(rank)
    return results


def _accumulated(rank):
    """What a checkpoint gets between two steps of the optimizer, and behind one."""
    model = torch.nn.Linear(2, 1, bias=False)
    model.weight.grad = torch.full((1, 2), float(rank))
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), 0.1), 2)
    wrapper.initialize_count_status(model, 0, 4)
    runner = SimpleNamespace(model=model, optim_wrapper=wrapper)
    found = [accumulated_gradients(runner)]
    wrapper._inner_count = 1
    found.append(accumulated_gradients(runner))
    assert float(model.weight.grad[0, 0]) == rank
    return found


def _keys(model, rank):
    """Keys of this process's images, with and without the shuffle."""
    # The exchange shows in nothing once both have one encoder, at rest and without
    # the batch in its batch norm.
    encoder = model.encoder_k.eval()
    encoder.momentum = encoder.end_momentum = 1.0
    for buffer in encoder.buffers():
        broadcast(buffer, src=0)
    generator = torch.Generator().manual_seed(rank)
    images = torch.randn(6, 3, 32, 32, generator=generator)
    plain = torch.nn.functional.normalize(encoder(images)[0], dim=1)
    shuffled, order = model._shuffle(images)
    return {
        "plain": plain,
        "through_shuffle": model._keys(images),
        "exchanged": not torch.equal(shuffled, images),
        "sent": order._sent,
        "received": order._received,
    }


def _knn(runner):
    """What each process measures, and the network that it did it with."""
    backbone = copy.deepcopy(runner.model.module.backbone)
    backbone.eval()
    measure = _measure()
    top1 = measure.top1(backbone, runner.model.module.data_preprocessor)[""]
    label_free = _label_free(backbone, runner.model.module.data_preprocessor)
    state = backbone.state_dict()
    return {"top1": top1, "label_free": label_free, "state": state}


def _label_free(backbone, preprocessor):
    # Three batches: the last is shorter, and all of the second process is one.
    data = {"type": "SyntheticImages", "num_images": 10, "size": 40}
    hook = RepresentationHook(data, views=2, batch_size=4)
    hook.prepare(None)
    return hook.scores(backbone, preprocessor)


def _measure():
    # Batches of four: the last ones are shorter, and go to other processes.
    train = SyntheticImages(num_images=39, num_classes=13, size=40)
    test = SyntheticImages(num_images=26, num_classes=13, size=40, seed=1)
    targets = {"": (train, test)}
    return KNNPass(targets, k=5, temperature=0.07, batch_size=4, num_workers=0)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_processes")
    return in_two_processes(_work, folder)


def test_a_checkpoint_has_the_mean_of_what_both_have_accumulated(ranks):
    for behind, between in (rank["accumulated"] for rank in ranks):
        assert not behind
        assert torch.equal(between["weight"], torch.full((1, 2), 0.5))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_processes_stay_equal(ranks, algorithm):
    first, second = (rank[algorithm]["parameters"] for rank in ranks)
    assert first.keys() == second.keys()
    for name in first:
        if not name.startswith(("module.encoder_k", "module.target_net")):
            assert torch.equal(first[name], second[name]), name
        assert torch.isfinite(first[name]).all()


def test_last_partial_batch_of_two_processes(ranks):
    assert [rank["simsiam"]["iterations"] for rank in ranks] == [4, 4]


def test_queue_holds_the_keys_of_both(ranks):
    assert torch.equal(ranks[0]["queue"], ranks[1]["queue"])


def test_shuffle_exchanges_images_and_puts_keys_back(ranks):
    for rank in ranks:
        torch.testing.assert_close(
            rank["keys"]["plain"], rank["keys"]["through_shuffle"]
        )
    assert any(rank["keys"]["exchanged"] for rank in ranks)
    for here, there in ((0, 1), (1, 0)):  # both drew one order
        sent, received = ranks[here]["keys"]["sent"], ranks[there]["keys"]["received"]
        assert sent[there] == received[here]


def test_knn_is_that_of_a_single_process(ranks, tmp_path):
    first, second = (rank["knn"] for rank in ranks)
    assert first["top1"] == second["top1"]
    runner = build_runner(debug_config("mocov2", tmp_path))
    backbone = runner.model.backbone
    backbone.load_state_dict(first["state"])
    backbone.eval()
    alone = _measure().top1(backbone, runner.model.data_preprocessor)[""]
    assert alone == first["top1"]
    assert 0 < alone < 100
    assert first["label_free"] == second["label_free"]
    alone = _label_free(backbone, runner.model.data_preprocessor)
    assert first["label_free"] == pytest.approx(alone, rel=1e-6)
