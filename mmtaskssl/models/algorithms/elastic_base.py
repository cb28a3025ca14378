"""One training step of an elastic network, whatever its self-supervised loss is."""

import itertools
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmtaskssl.registry import SUBNET_SAMPLERS
from mmtaskssl.subnets import Subnet, SubnetSampler
from mmtaskssl.utils.families import BadConfigValue, ConfigUnsuited

from .base import with_teachers
from .loss_weights import LossWeights
from .taught import watched


class ElasticAlgorithm(BaseModel):
    """Trains several sub-nets of one network in each step.

    A step has one batch, preprocessed once; one `prepare` (teacher forward, its
    average's update); a forward and a backward per sub-net, so that only one graph
    is alive at a time (gradients are summed, as in US-Nets, arXiv 1903.05134,
    algorithm 1); one exchange of gradients between processes; one optimizer step
    through mmengine's own wrapper, so that AMP and its loss scale, accumulation,
    clipping (of the sum) and resume are mmengine's; and one `finish` (queue update).

    Which sub-nets a step runs is a function of the Runner's iteration, not of state:
    equal in all processes, equal after resume. Under gradient accumulation each
    iteration draws its own.

    To be put before an algorithm with ``backbone(x, subnet)`` in the bases; the
    subclass fills in `subnet_loss`, and `prepare`, `finish`, `subnet_weights`
    and `log_names` where it needs them. Under several processes the config needs
    ``model_wrapper_cfg = dict(type='mmtaskssl.ElasticDDP')``.

    Args:
        *args: The algorithm's.
        subnet_sampler: Config of a sampler, or a sampler. Its ``space`` is the
            backbone's unless it names another.
        subnet_loss_weights: Factors on the losses of sub-nets, by the name of an anchor
            such as MAX or of a sub-net; ``others`` for those not named, by default 1.
            They multiply what the algorithm itself gives (`subnet_weights`). A sub-net
            with the factor 0 still runs. By idea as in the public code of DATA (arXiv
            2203.09041), where each sampled network has a weight.
        complexity_decay: See `LossWeights`; multiplies those, too.
        **kwargs: The algorithm's.

    Raises:
        UserError: See `LossWeights`.
    """

    def __init__(
        self,
        *args,
        subnet_sampler: SubnetSampler | Mapping[str, Any],
        subnet_loss_weights: Mapping[str, float] | None = None,
        complexity_decay: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not isinstance(subnet_sampler, SubnetSampler):
            config = {"space": self.backbone.space, **subnet_sampler}
            subnet_sampler = SUBNET_SAMPLERS.build(config)
        self.subnet_sampler = subnet_sampler
        self._loss_weights = LossWeights(
            self.backbone, subnet_loss_weights, complexity_decay
        )
        self._check_switches()

    def _check_switches(self) -> None:
        """Refuses heads whose switchable norms are not those of the sub-nets."""
        head = getattr(self, "head", None)
        parts = {
            "neck": getattr(self, "neck", None),
            "head.predictor": getattr(head, "predictor", None),
        }
        members = len(getattr(self.backbone, "switches", ()))
        for name, part in parts.items():
            count = getattr(part, "num_switches", 1)
            if count not in (1, members):
                raise BadConfigValue(
                    f"model.{name} has batch norms for {count} sub-nets, but the "
                    f"backbone runs {members or 'too many'} that could have their own; "
                    f"set its num_switches to {members or 1}"
                )

    def prepare(self, inputs: Any, data_samples: Any = None) -> Any:
        """Computes what all sub-nets of a step share. Runs without gradients.

        The place for the update of an averaged teacher, then its forward.

        Args:
            inputs: The preprocessor's, for example two views (N, 3, H, W).
            data_samples: The preprocessor's.

        Returns:
            Handed to `subnet_loss` and `finish`; a mutable one carries values from an
            earlier sub-net of the step to the later ones, if it detaches them.
        """
        return None

    @abstractmethod
    def subnet_loss(
        self, inputs: Any, shared: Any, subnet: Subnet
    ) -> dict[str, Tensor]:
        """Computes the losses of one sub-net.

        Args:
            inputs: As in `prepare`.
            shared: What `prepare` returned.
            subnet: To be run by ``self.backbone(x, subnet)``.

        Returns:
            Scalars; those with ``loss`` in their key are summed and back-propagated,
            all are logged.
        """

    def finish(self, shared: Any) -> None:
        """Ends a step, after the last backward pass. Runs without gradients.

        The place for the update of a queue, which the losses can therefore use as it
        is, without a copy.

        Args:
            shared: What `prepare` returned.
        """

    def rows_of(self, shared: Any, subnet: Subnet) -> slice:
        """Returns which images of a step a sub-net sees; by default all.

        Args:
            shared: What `prepare` returned.
            subnet: One of the step's.
        """
        return slice(None)

    def subnet_weights(self, subnets: Sequence[Subnet]) -> list[float]:
        """Returns the factor on each sub-net's loss; by default 1.

        Args:
            subnets: All of a step.
        """
        return [1.0] * len(subnets)

    def _weights(self, subnets: Sequence[Subnet]) -> list[float]:
        """The algorithm's factors times those of the config."""
        step, max_steps = _progress()
        factors = self._loss_weights(subnets, step / max_steps)
        pairs = zip(self.subnet_weights(subnets), factors, strict=True)
        return [weight * factor for weight, factor in pairs]

    def log_names(self, subnets: Sequence[Subnet]) -> list[str]:
        """Returns the first part of each sub-net's log keys.

        By default an anchor such as MAX has its own name in lower case, the others
        are ``rand0``, ``rand1``, ...

        Args:
            subnets: All of a step.
        """
        names = map(self.subnet_sampler.space.name_of, subnets)
        numbers = itertools.count()
        return [f"rand{next(numbers)}" if n is None else n.lower() for n in names]

    def subnets_of_step(self) -> list[Subnet]:
        """Returns what the current iteration runs; outside a Runner, the first's."""
        return self.subnet_sampler(*_progress())

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor"):
        """As mmengine's, without the mode ``loss``.

        Args:
            inputs: See the algorithm. In the mode ``subnet``, which `train_step` uses,
                a function without arguments that computes a loss: DDP prepares a
                backward pass only for what runs in its forward.
            data_samples: See the algorithm.
            mode: ``tensor``, ``predict`` or ``subnet``.

        Raises:
            UserError: The mode ``loss``, by which other wrappers train.
        """
        if mode == "subnet":
            return inputs()
        if mode == "loss":
            raise ConfigUnsuited(
                f"{type(self).__name__} back-propagates its sub-nets one after the "
                "other; set model_wrapper_cfg=dict(type='mmtaskssl.ElasticDDP') in the "
                "config"
            )
        return super().forward(inputs, data_samples, mode=mode)

    def train_step(
        self,
        data: Any,
        optim_wrapper: OptimWrapper,
        wrapper: nn.Module | None = None,
    ) -> dict[str, Tensor]:
        """Runs one iteration.

        Args:
            data: A batch of the data loader.
            optim_wrapper: Moves the weights, once.
            wrapper: The DDP module around this one, if there is one.

        Returns:
            For the log: ``loss``, the weighted sum, and each sub-net's as
            ``max/loss``, ``rand0/loss``, ...
        """
        subnets = self.subnets_of_step()
        teachers = getattr(self, "distill", None)
        taught = None
        with optim_wrapper.optim_context(self), torch.no_grad():
            batch = self.data_preprocessor(data, True)
            if teachers is not None:
                batch["inputs"], shown = teachers.split(batch["inputs"])
                taught = teachers.teach(shown, batch.get("data_samples"))
            shared = self.prepare(**batch)
        weights, names = self._weights(subnets), self.log_names(subnets)
        logs: dict[str, Tensor] = {}
        total: float | Tensor = 0.0
        for place, subnet in enumerate(subnets):
            loss_of = partial(self._losses, batch["inputs"], shared, subnet, taught)
            is_last = place == len(subnets) - 1
            weight = weights[place]
            values = self._run_subnet(loss_of, weight, optim_wrapper, wrapper, is_last)
            total = total + weight * values["loss"]
            logs |= {f"{names[place]}/{key}": value for key, value in values.items()}
        with torch.no_grad():
            self.finish(shared)
            if teachers is not None:
                teachers.finish(taught)
        return {"loss": total, **logs}

    def _losses(
        self, inputs: Any, shared: Any, subnet: Subnet, taught: Any
    ) -> dict[str, Tensor]:
        """A sub-net's own losses, and those of the teachers, which all have heard."""
        if taught is None:
            return self.subnet_loss(inputs, shared, subnet)
        with watched(getattr(self, "neck", None)) as seen:
            losses = self.subnet_loss(inputs, shared, subnet)
        rows = self.rows_of(shared, subnet)
        outputs = seen[: getattr(self, "in_order", None)]
        for view in inputs[len(outputs) : self.distill.views]:
            outputs.append(self.backbone(view[rows], subnet))
        norm_view = self.backbone.norm_view(subnet)
        return with_teachers(
            losses, self.distill.loss(outputs, taught, norm_view, rows)
        )

    def _run_subnet(
        self,
        loss_of: Callable[[], dict[str, Tensor]],
        weight: float,
        optim_wrapper: OptimWrapper,
        wrapper: nn.Module | None,
        is_last: bool,
    ) -> dict[str, Tensor]:
        """Runs one sub-net forward and backward, and the optimizer after the last.

        A method of its own, so that on return nothing holds the graph: also what is
        logged but not back-propagated keeps activations.
        """
        with (
            optim_wrapper.optim_context(wrapper or self),
            nullcontext() if wrapper is None or is_last else wrapper.no_sync(),
        ):
            losses = (wrapper or self)(loss_of, mode="subnet")
        loss, values = self.parse_losses(losses)
        if is_last:
            optim_wrapper.update_params(weight * loss)
        else:
            optim_wrapper.backward(optim_wrapper.scale_loss(weight * loss))
            # The wrapper counts backward passes to tell when a step is due.
            optim_wrapper._inner_count -= 1
        values = {key: value.detach() for key, value in values.items()}
        return {**values, "loss": loss.detach()}


def _progress() -> tuple[int, int]:
    """The current iteration, and how many there are; outside a Runner, the first."""
    hub = MessageHub.get_current_instance()
    return hub.get_info("iter", 0), hub.get_info("max_iters", 1)
