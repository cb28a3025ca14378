"""What the slimmable algorithms share, whatever their self-supervised loss is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import ListSpace, SearchSpace, Subnet
from mmtaskssl.utils.families import BadConfigValue, ConfigUnsuited

from ..losses import GroupRegularisation
from .base import WHOLE, mean_of, sum_of_pairs
from .taught_by_max import TaughtByMax

#: Preset -> factor on the same-view distillation.
PRESETS = {"dsp": 0.0, "dsp_plus": 1.0}
LOSS_WEIGHTS = ("uniform", "mean", "slimclr")


class SlimmableAlgorithm(TaughtByMax):
    """A two-view algorithm at several widths, all taught by the full one.

    Wang et al., *DSPNet: Towards Slimmable Pretrained Networks based on
    Discriminative Self-supervised Learning*, 2022 (arXiv 2207.06075), whose abstract
    says what is done; how, is taken from its peers US3L (CVPR 2023), SlimCLR (IJCV
    2024) and POA (ECCV 2024). The full width, the base, learns by the algorithm's own
    loss. A sub-net is distilled: it has the same loss against the base's target, and
    in the preset ``dsp_plus`` it also imitates, view by view, what the base itself
    puts out in this step. That second term is left out of a step without the base.

    To be put before one of our two-view algorithms in the bases. The heads are shared
    by all widths (`ElasticNonLinearNeck`), have a part of their hidden layer for each
    (its ``slice_hidden``), or are one for each (`PerWidthNeck`); their batch norms
    are shared or switchable.

    Args:
        *args: The algorithm's.
        preset: ``dsp`` or ``dsp_plus``.
        same_view_weight: Factor on the same-view distillation; None: the preset's.
        loss_weights: ``uniform``, 1 for each sub-net; ``mean``, 1 over their number;
            ``slimclr``, for the base 1 plus the sum of the step's other widths, else 1.
        group_regularisation: Arguments of a `GroupRegularisation` of the backbone,
            added to the base's loss.
        **kwargs: The algorithm's and `ElasticAlgorithm`'s.

    Raises:
        UserError: Unknown preset or weights, a backbone whose default is not its
            largest sub-net, or a neck that does not fit it.
    """

    def __init__(
        self,
        *args,
        preset: str = "dsp",
        same_view_weight: float | None = None,
        loss_weights: str = "uniform",
        group_regularisation: Mapping[str, Any] | None = None,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if preset not in PRESETS:
            raise BadConfigValue(f"preset is dsp or dsp_plus, not {preset!r}")
        if loss_weights not in LOSS_WEIGHTS:
            raise BadConfigValue(
                f"loss_weights is one of {', '.join(LOSS_WEIGHTS)}, not "
                f"{loss_weights!r}"
            )
        if same_view_weight is None:
            same_view_weight = PRESETS[preset]
        self.same_view_weight = same_view_weight
        self.loss_weights = loss_weights
        self.group_regularisation = (
            GroupRegularisation(**group_regularisation)
            if group_regularisation
            else None
        )
        self._check_parts()

    def _check_parts(self) -> None:
        space = self.backbone.space
        switches = getattr(self.neck, "num_switches", None)
        if switches is None:
            raise ConfigUnsuited(
                f"a slimmable network needs model.neck of type ElasticNonLinearNeck or "
                f"PerWidthNeck, not {type(self.neck).__name__}"
            )
        if switches > 1 and not (
            isinstance(space, ListSpace) and switches == len(space)
        ):
            raise ConfigUnsuited(
                f"model.neck has batch norms for {switches} sub-nets, but the search "
                f"space of the backbone has {len(space)} sub-nets"
                + ("" if isinstance(space, ListSpace) else " and is no list")
            )

    def is_base(self, subnet: Subnet) -> bool:
        """Whether a sub-net is the full width."""
        return subnet == self.backbone.space.max

    def width_of(self, subnet: Subnet) -> float:
        """Returns a sub-net's share of the last stage's channels."""
        channels = self.backbone.stage_channels
        return channels(subnet)[-1] / channels(self.backbone.space.max)[-1]

    def subnet_weights(self, subnets: Sequence[Subnet]) -> list[float]:
        """See `ElasticAlgorithm.subnet_weights` and ``loss_weights``."""
        weight = 1 / len(subnets) if self.loss_weights == "mean" else 1.0
        weights = [weight] * len(subnets)
        if self.loss_weights == "slimclr":
            others = [s for s in subnets if not self.is_base(s)]
            for place, subnet in enumerate(subnets):
                if self.is_base(subnet):
                    weights[place] += sum(map(self.width_of, others))
        return weights

    def _total(
        self, loss: Tensor, subnet: Subnet, same_view: Tensor | None
    ) -> dict[str, Tensor]:
        """Returns the losses of a sub-net; all but ``loss`` only where they exist."""
        losses = {"loss": loss}
        if same_view is not None:
            losses["loss_same_view"] = self.same_view_weight * same_view
        if self.group_regularisation is not None and self.is_base(subnet):
            losses["loss_groups"] = self.group_regularisation(self.backbone)
        return losses


def aux_places(space: SearchSpace) -> dict[Subnet, int]:
    """Returns which batch norms of a switchable auxiliary predictor a sub-net has.

    Args:
        space: The backbone's; a grid has none.
    """
    if not isinstance(space, ListSpace):
        return {}
    others = (subnet for subnet in space if subnet != space.max)
    return {subnet: place for place, subnet in enumerate(others)}


def aux_predictor_config(
    predictor: Mapping[str, Any],
    changes: Mapping[str, Any] | None,
    space: SearchSpace,
) -> dict[str, Any] | None:
    """Returns the config of the sub-nets' predictor; None: there are no sub-nets.

    Args:
        predictor: The base's.
        changes: To it; see `PredictingAlgorithm`.
        space: The backbone's.

    Raises:
        UserError: See `PredictingAlgorithm`.
    """
    if len(space) == 1:
        return None
    config = {**predictor, **(changes or {})}
    if config.get("type", "").rpartition(".")[2] != "ElasticNonLinearNeck":
        raise ConfigUnsuited(
            "model.head.predictor of a slimmable network must be of type "
            "ElasticNonLinearNeck"
        )
    if config.get("norm") == "SwitchableBN":
        if not isinstance(space, ListSpace):
            raise ConfigUnsuited(
                "aux_predictor.norm='SwitchableBN' needs a listed search space"
            )
        config["num_switches"] = len(aux_places(space))
    return config


class PredictingAlgorithm(SlimmableAlgorithm):
    """A slimmable algorithm whose base has a predictor (BYOL, SimSiam).

    The sub-nets share an auxiliary predictor, so that the base's own is trained by the
    base alone. A search space of one has no sub-nets, hence no auxiliary predictor.

    Args:
        *args: The algorithm's.
        aux_predictor: Changes to ``head.predictor``'s config; with
            ``norm='SwitchableBN'`` each sub-net has its own batch norms in it.
        **kwargs: `SlimmableAlgorithm`'s; ``head`` must be a config.

    Raises:
        UserError: Switchable batch norms for a space that is no list, or a predictor
            of another type than ``ElasticNonLinearNeck``.
    """

    def __init__(
        self, *args, aux_predictor: Mapping[str, Any] | None = None, **kwargs
    ) -> None:
        predictor = dict(kwargs["head"]["predictor"])  # the builder takes it apart
        super().__init__(*args, **kwargs)
        space = self.backbone.space
        config = aux_predictor_config(predictor, aux_predictor, space)
        self.aux_predictor = None if config is None else MODELS.build(config)
        self._places = aux_places(space)

    def _predict(self, z: Tensor, subnet: Subnet) -> Tensor:
        """Maps projections (N, C) to predictions (N, C)."""
        if self.is_base(subnet):
            return self.head.predictor([z])[0]
        view = replace(
            self.backbone.norm_view(subnet), switch=self._places.get(subnet, 0)
        )
        return self.aux_predictor([z], view)[0]

    def _views_loss(
        self,
        projections: Sequence[Tensor],
        targets: Sequence[Tensor],
        shared: dict[str, Any],
        subnet: Subnet,
        factor: float,
    ) -> dict[str, Tensor]:
        """Returns a sub-net's losses; keeps the base's predictions in ``shared``."""
        predictions = [self._predict(z, subnet) for z in projections]
        loss = factor * sum_of_pairs(self.head.loss, predictions, targets)
        same_view = None
        if self.is_base(subnet):
            shared["predictions"] = [p.detach() for p in predictions]
        elif self.same_view_weight and "predictions" in shared:
            # Both estimate the target of the other view; the base's has less noise
            # than the target itself.
            pairs = zip(predictions, shared["predictions"], strict=True)
            same = [self.head.loss(mine.float(), base.float()) for mine, base in pairs]
            same_view = factor * WHOLE * mean_of(same)
        return self._total(loss, subnet, same_view)
