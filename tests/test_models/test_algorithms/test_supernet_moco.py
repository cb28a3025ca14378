import pytest
import torch
import torch.nn.functional as F

from mmtaskssl.utils.errors import UserError
from tests.test_models.test_algorithms._elastic import batch, fresh_hub
from tests.test_models.test_algorithms._supernets import (
    assert_trained_alike,
    build,
    max_alone,
    sgd,
    train,
)


def _info_nce(q, keys, queue, temperature=0.2):
    """A loop over queries, in float64."""
    losses = []
    for query, key in zip(q.double(), keys.double(), strict=True):
        logits = [query @ key, *(query @ negative for negative in queue.double().T)]
        logits = torch.stack(logits) / temperature
        losses.append(logits.logsumexp(0) - logits[0])
    return torch.stack(losses).mean()


def _embed(encoder, images, subnet):
    backbone, neck = encoder
    features = backbone(images, subnet)
    return F.normalize(neck(features, backbone.norm_view(subnet))[0], dim=1)


def _spy(model, monkeypatch):
    """Returns the list that gets the order of what a step does."""
    calls = []

    def spied(name, original):
        return lambda *args: (calls.append(name), original(*args))[1]

    for name, owner, attribute in [
        ("average", model.encoder_k, "move"),
        ("keys", model, "_encode_keys"),
        ("enqueue", model, "_dequeue_and_enqueue"),
    ]:
        monkeypatch.setattr(owner, attribute, spied(name, getattr(owner, attribute)))
    return calls


def test_losses_equal_a_slow_reference():
    fresh_hub()
    model = build("MoCo", norm=None)
    queue = model.queue.clone()
    views = batch(0)
    subnets = model.subnets_of_step()
    assert len(subnets) == 3
    with torch.no_grad():
        key_encoder = model.backbone, model.neck  # the average's start
        keys = _embed(key_encoder, views[1], model.backbone.space.max)
        expected = [
            _info_nce(_embed(key_encoder, views[0], subnet), keys, queue)
            for subnet in subnets
        ]
    logs = model.train_step({"inputs": views}, sgd(model))
    for name, value in zip(("max", "min", "rand0"), expected, strict=True):
        torch.testing.assert_close(
            logs[f"{name}/loss"].double(), value, rtol=1e-5, atol=1e-5
        )
    torch.testing.assert_close(logs["loss"].double(), sum(expected), rtol=1e-5, atol=0)
    torch.testing.assert_close(model.queue[:, :8], keys.T)


@pytest.mark.parametrize("norm", ["BN", None])
def test_max_alone_is_moco_bit_for_bit(norm):
    supernet, moco = build("MoCo", max_alone(), norm), build("MoCo", None, norm)
    assert train(supernet, 5) == train(moco, 5)
    # All but the average's running statistics, whose start MoCo copies later.
    assert_trained_alike(supernet, moco)


def test_average_keys_and_queue_move_once_a_step(monkeypatch):
    model = build("MoCo", {"type": "Sandwich", "num_random": 2})
    calls = _spy(model, monkeypatch)
    train(model, 3)
    assert calls == ["average", "keys", "enqueue"] * 3
    assert int(model.encoder_k.steps) == 3
    assert int(model.queue_ptr) == 3 * 8 % 20


def test_authors_loop_does_all_three_for_each_subnet(monkeypatch):
    model = build("MoCo", per_subnet_keys=True)
    calls = _spy(model, monkeypatch)
    train(model, 2)
    assert calls == ["average", "keys", "enqueue"] * 6
    assert int(model.queue_ptr) == 6 * 8 % 20


def test_authors_loop_equals_its_plain_transcription():
    """For each sub-net: average, keys, loss, queue; then one optimizer step."""
    fast = build("MoCo", per_subnet_keys=True)
    slow = build("MoCo", per_subnet_keys=True)
    losses = train(fast, 3)
    hub = fresh_hub()
    optimizer = torch.optim.SGD(slow.parameters(), lr=0.05, momentum=0.9)
    online = [*slow.backbone.parameters(), *slow.neck.parameters()]
    average = [p.detach().clone() for p in online]
    key_backbone, key_neck = slow.encoder_k.module
    mine = [*key_backbone.parameters(), *key_neck.parameters()]
    for step in range(3):
        hub.update_info("iter", step)
        views, total = batch(step), 0.0
        for subnet in slow.subnets_of_step():
            with torch.no_grad():
                for old, new, held in zip(average, online, mine, strict=True):
                    old.lerp_(new, 1 - slow.encoder_k.momentum)
                    held.copy_(old)
                keys = F.normalize(slow.encoder_k(views[1])[0], dim=1)
            q = F.normalize(slow.project(views[0], subnet), dim=1)
            loss = _info_nce(q, keys, slow.queue.clone())
            loss.backward()
            slow._dequeue_and_enqueue(keys)
            total += float(loss)
        optimizer.step()
        optimizer.zero_grad()
        assert losses[step] == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize("n", [2, 7, 20])
def test_queue_takes_any_batch_and_number_of_subnets(n):
    fresh_hub()
    model = build("MoCo", {"type": "Sandwich", "num_random": 3})
    wrapper = sgd(model)
    for step in range(3):
        model.train_step({"inputs": batch(step, n)}, wrapper)
    assert int(model.queue_ptr) == 3 * n % 20
    torch.testing.assert_close(model.queue.norm(dim=0), torch.ones(20))


def test_batch_longer_than_the_queue_is_refused():
    fresh_hub()
    model = build("MoCo")
    with pytest.raises(UserError, match="the queue holds 20"):
        model.train_step({"inputs": batch(0, 21)}, sgd(model))


def test_distillation_equals_a_slow_reference():
    fresh_hub()
    model = build("MoCo", norm=None, distill_weight=0.5)
    views, queue = batch(0), model.queue.clone()
    encoder, largest = (model.backbone, model.neck), model.backbone.space.max
    with torch.no_grad():
        keys = _embed(encoder, views[1], largest)

        def similarities(subnet):  # to the key and the queue, as in the loss
            q = _embed(encoder, views[0], subnet)
            own = torch.stack([a @ b for a, b in zip(q, keys, strict=True)])
            return torch.cat([own[:, None], q @ queue], 1) / 0.2

        teacher = similarities(largest).softmax(1)
        student = similarities(model.backbone.space.min)
        expected = -(teacher * student.log_softmax(1)).sum(1).mean()
    logs = model.train_step({"inputs": views}, sgd(model))
    torch.testing.assert_close(logs["min/loss_distill"], 0.5 * expected)
    assert "max/loss_distill" not in logs
    assert float(logs["min/loss"]) == pytest.approx(
        float(logs["min/loss_contrast"] + logs["min/loss_distill"])
    )


def test_distillation_reaches_the_student_alone():
    model = build("MoCo", norm=None, distill_weight=1.0)
    views, space = batch(0), model.backbone.space
    shared = model.prepare(views)
    model.subnet_loss(views, shared, space.max)
    losses = model.subnet_loss(views, shared, space.min)
    assert not shared.relations[0].requires_grad
    losses["loss_distill"].backward()
    gradient = model.backbone.conv1.weight.grad
    assert gradient[: space.min.stem].any()
    assert not gradient[space.min.stem :].any()


def test_bad_options_are_refused():
    with pytest.raises(UserError, match="distill_weight must be 0 or more"):
        build("MoCo", distill_weight=-1.0)
    sampler = {"type": "RandomSubnets", "num": 1, "seed": 1}
    model = build("MoCo", sampler, distill_weight=1.0)
    with pytest.raises(UserError, match="runs MAX in every step"):
        train(model, 1)
