"""A projector whose input follows the active sub-net."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError

from ..elastic import ElasticLinear, NormView, elastic_norm
from ..elastic.norm import WHOLE

_BATCH_NORMS = ("BN", "SwitchableBN")


@MODELS.register_module()
class ElasticNonLinearNeck(BaseModule):
    """The hosts' `NonLinearNeck` behind a backbone of many widths.

    Global average pool, then linear layers with batch norm and ReLU between them. The
    first layer uses the columns of as many inputs as the sub-net's features have; the
    rest is shared by all sub-nets, so that their embeddings are comparable. Under
    autocast everything but the norms runs in the autocast type.

    A shared batch norm (``BN``) normalises every sub-net with its own batch in
    training; its running statistics are those of the largest sub-net, so that a smaller
    one is evaluated through `extract`, recalibrated. ``SwitchableBN`` keeps a batch
    norm, affine and statistics, for each of ``num_switches`` sub-nets.

    Args:
        in_channels: Channels of the largest sub-net's last feature map.
        hid_channels: Features between the layers.
        out_channels: Features of the embedding.
        num_layers: Linear layers, at least 1.
        norm: ``BN``, ``SwitchableBN``, or None for none (MoCo v2's published neck).
        num_switches: Sub-nets of ``SwitchableBN``.
        with_last_bn: A batch norm behind the last layer too.
        with_last_bn_affine: Whether that one has weight and bias.
        with_bias: Bias of linear layers that no batch norm follows.
        with_avg_pool: Pools (N, C, H, W) maps to (N, C) first.
        init_cfg: As in mmengine.

    Raises:
        UserError: Bad ``norm`` or ``num_layers``.
    """

    def __init__(
        self,
        in_channels: int,
        hid_channels: int,
        out_channels: int,
        num_layers: int = 2,
        norm: str | None = "BN",
        num_switches: int = 1,
        with_last_bn: bool = False,
        with_last_bn_affine: bool = True,
        with_bias: bool = True,
        with_avg_pool: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if norm is not None and norm not in _BATCH_NORMS:
            raise UserError(f"a neck's norm is BN, SwitchableBN or None, not {norm!r}")
        if num_layers < 1:
            raise UserError(f"a neck has at least one layer, not {num_layers}")
        self.with_avg_pool = with_avg_pool
        widths = [in_channels, *[hid_channels] * (num_layers - 1), out_channels]
        self.layers = nn.ModuleList()
        self.norms = nn.ModuleList()
        switches = num_switches if norm == "SwitchableBN" else 1
        for place in range(num_layers):
            last = place == num_layers - 1
            normed = norm is not None and (with_last_bn if last else True)
            affine = with_last_bn_affine if last else True
            self.layers.append(
                ElasticLinear(
                    widths[place], widths[place + 1], bias=with_bias and not normed
                )
            )
            self.norms.append(
                nn.ModuleList(
                    nn.BatchNorm1d(widths[place + 1], affine=affine)
                    for _ in range(switches)
                )
                if normed
                else nn.Identity()
            )

    def forward(
        self, x: Tensor | Sequence[Tensor], view: NormView = WHOLE
    ) -> list[Tensor]:
        """Projects features.

        Args:
            x: (N, C, H, W) or (N, C), or a sequence whose last is taken; C is the
                sub-net's width.
            view: What the norms have to know, `ElasticBackbone.norm_view` of the
                sub-net; by default the largest.

        Returns:
            One tensor (N, out_channels) in a list, as the hosts' heads expect.
        """
        if not isinstance(x, Tensor):
            x = x[-1]
        if self.with_avg_pool and x.dim() == 4:
            x = x.mean(dim=(2, 3))
        x = x.flatten(1)
        last = len(self.layers) - 1
        for place, (layer, norms) in enumerate(
            zip(self.layers, self.norms, strict=True)
        ):
            x = layer(x)
            if isinstance(norms, nn.ModuleList):
                x = self._normalise(norms, x, view)
            if place != last:
                x = x.relu()
        return [x]

    @staticmethod
    def _normalise(norms: nn.ModuleList, x: Tensor, view: NormView) -> Tensor:
        if len(norms) > 1:
            return norms[view.switch](x)
        own = NormView(tracked=view.tracked, subnet=view.subnet)
        return elastic_norm(norms[0], x, own)

    def extract(self, in_channels: int, switch: int = 0) -> nn.Sequential:
        """Returns the plain neck of a sub-net, with copies of the weights.

        The statistics of its batch norms are the stored ones; behind a sub-net that
        shares its batch norms they want recalibration.

        Args:
            in_channels: Channels of the sub-net's features.
            switch: Index of its batch norms, of a switchable neck.

        Returns:
            Maps (N, C, H, W) or (N, C) features to (N, out_channels).
        """
        modules: list[nn.Module] = []
        if self.with_avg_pool:
            modules += [nn.AdaptiveAvgPool2d(1)]
        modules += [nn.Flatten(1)]
        last = len(self.layers) - 1
        for place, (layer, norms) in enumerate(
            zip(self.layers, self.norms, strict=True)
        ):
            inputs = min(in_channels, layer.in_features) if place == 0 else None
            modules.append(_plain_linear(layer, inputs))
            if isinstance(norms, nn.ModuleList):
                modules.append(_copy(norms[switch if len(norms) > 1 else 0]))
            if place != last:
                modules.append(nn.ReLU(inplace=True))
        return nn.Sequential(*modules).train(self.training)


def _plain_linear(layer: ElasticLinear, in_features: int | None) -> nn.Linear:
    weight = layer.weight if in_features is None else layer.weight[:, :in_features]
    plain = nn.Linear(weight.shape[1], weight.shape[0], bias=layer.bias is not None)
    plain.to(weight.device, weight.dtype)
    with torch.no_grad():
        plain.weight.copy_(weight)
        if layer.bias is not None:
            plain.bias.copy_(layer.bias)
    return plain


def _copy(norm: nn.BatchNorm1d) -> nn.BatchNorm1d:
    plain = nn.BatchNorm1d(
        norm.num_features, eps=norm.eps, momentum=norm.momentum, affine=norm.affine
    )
    reference = next(norm.buffers())
    plain.to(reference.device)
    plain.load_state_dict(norm.state_dict())
    return plain
