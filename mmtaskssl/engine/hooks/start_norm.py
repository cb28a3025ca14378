from collections.abc import Iterator

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmtaskssl.engine.unwrapped import unwrapped
from mmtaskssl.models.algorithms.momentum import MomentumEncoder
from mmtaskssl.models.backbones import ElasticBackbone
from mmtaskssl.models.elastic.calibration import Moments
from mmtaskssl.registry import HOOKS
from mmtaskssl.utils.families import BadConfigValue, ConfigUnsuited, TooFewImages

MODES = ("frozen", "reestimated", "adapted", "train")


@HOOKS.register_module()
class StartNormHook(Hook):
    """What happens to the batch norms of a backbone that starts from other weights.

    - ``frozen``: they normalise with the start's statistics throughout.
    - ``reestimated``: with those of the training images, measured once before the first
      step (each layer's inputs normalised by batch, moments pooled over the batches:
      "precise BN", Wu and Johnson, arXiv 2105.07576, section 3), then frozen.
    - ``adapted``: measured so, and then trained as ever, by batch.
    - ``train``: as ever.

    The averaged copies of the backbone (MoCo's key encoder, BYOL's target) go along;
    necks and heads are left alone. What is measured is in the checkpoint, and a resumed
    training does not measure again.

    Args:
        mode: See above.
        train_affine: Whether scales and shifts of frozen norms are trained.
        images: So many training images, evenly spaced, are measured on.

    Raises:
        UserError: An unknown mode.
    """

    def __init__(
        self, mode: str = "frozen", train_affine: bool = True, images: int = 512
    ) -> None:
        if mode not in MODES:
            raise BadConfigValue(f"mode of StartNormHook is one of {', '.join(MODES)}")
        self.mode, self.train_affine, self.images = mode, train_affine, images

    @property
    def freezes(self) -> bool:
        """Whether norms stay in evaluation."""
        return self.mode in ("frozen", "reestimated")

    def before_run(self, runner: Runner) -> None:
        """Takes the affine weights of frozen norms from the optimizer.

        Before a resumed optimizer's state is loaded, which then has the same groups.

        Args:
            runner: Its optimizer is changed.

        Raises:
            UserError: Sub-nets that share batch norms, which have no statistics.
        """
        backbone = unwrapped(runner.model).backbone
        kind = getattr(backbone, "norm_cfg", {}).get("type")
        shared = isinstance(backbone, ElasticBackbone) and kind in ("BN", "SyncBN")
        if self.mode != "train" and shared and len(backbone.space) > 1:
            raise ConfigUnsuited(
                f"StartNormHook(mode={self.mode!r}) does not fit sub-nets that share "
                "batch norms: only the largest has statistics; take mode='train' or "
                "norm_cfg=dict(type='SwitchableBN')"
            )
        if self.freezes and not self.train_affine:
            fixed = {id(p) for norm in _norms(backbone) for p in norm.parameters()}
            for group in runner.optim_wrapper.param_groups:
                group["params"] = [p for p in group["params"] if id(p) not in fixed]

    def before_train(self, runner: Runner) -> None:
        """Measures, where the training begins.

        Args:
            runner: Its model is changed.
        """
        if self.mode in ("reestimated", "adapted") and runner.iter == 0:
            model = unwrapped(runner.model)
            reestimate(model.backbone, self._batches(runner))
            for average in _averages(model):
                average.load_state_dict(model.backbone.state_dict())

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Keeps frozen norms in evaluation, whatever set the model's mode.

        Args:
            runner: Its model is changed.
            batch_idx: Ignored.
            data_batch: Ignored.
        """
        if not self.freezes:
            return
        model = unwrapped(runner.model)
        for network in (model.backbone, *_averages(model)):
            for norm in _norms(network):
                norm.training = False

    def _batches(self, runner: Runner) -> Iterator[Tensor]:
        """Yields plain views (N, 3, S, S), the same in all processes."""
        loader, model = runner.train_dataloader, unwrapped(runner.model)
        dataset, size = loader.dataset, loader.batch_size
        count = min(self.images, len(dataset))
        places = torch.linspace(0, len(dataset) - 1, count).long().tolist()
        for begin in range(0, count, size):
            part = places[begin : begin + size]
            if len(part) < 2 <= count:  # no spread to measure
                continue
            data = loader.collate_fn([dataset[place] for place in part])
            inputs = model.data_preprocessor(data, False)["inputs"]
            yield inputs if isinstance(inputs, Tensor) else inputs[0]


@torch.no_grad()
def reestimate(network: nn.Module, batches: Iterator[Tensor]) -> None:
    """Gives a network's batch norms the statistics of images.

    Args:
        network: Its statistics are replaced; its mode is kept.
        batches: Normalised images (N, 3, H, W).

    Raises:
        UserError: No image.
    """
    norms = list(_norms(network))
    if not norms:
        return
    modes = {module: module.training for module in network.modules()}
    before = [norm.momentum for norm in norms]
    network.train()
    for norm in norms:
        norm.training, norm.momentum = True, 0.0  # by batch, keeping what it has
    moments = [Moments(norm) for norm in norms]
    for images in batches:
        network(images.to(next(network.parameters()).device))
    for norm, moment, momentum in zip(norms, moments, before, strict=True):
        moment.hook.remove()
        norm.momentum = momentum
        if moment.count:
            norm.running_mean.copy_(moment.result()[0])
            norm.running_var.copy_(moment.result()[1])
    for module, training in modes.items():
        module.training = training
    if not moments[0].count:
        raise TooFewImages("batch norm's statistics need two training images at least")


def _averages(model: nn.Module) -> list[nn.Module]:
    found = (m for m in model.modules() if isinstance(m, MomentumEncoder))
    return [average.module[0] for average in found]


def _norms(network: nn.Module) -> Iterator[nn.Module]:
    return (m for m in network.modules() if isinstance(m, _BatchNorm))
