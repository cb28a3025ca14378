"""A projector whose input follows the active sub-net."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmtaskssl.registry import MODELS
from mmtaskssl.utils.families import BadConfigValue

from ..elastic import ElasticLinear, NormView, elastic_norm
from ..elastic.norm import WHOLE

_BATCH_NORMS = ("BN", "SwitchableBN")


@MODELS.register_module()
class ElasticNonLinearNeck(BaseModule):
    """The hosts' `NonLinearNeck` behind a backbone of many widths.

    Global average pool, then linear layers with batch norm and ReLU between them. The
    first layer uses the columns of as many inputs as the sub-net's features have; the
    rest is shared by all sub-nets, so that their embeddings are comparable. With
    ``slice_hidden`` a sub-net of half of the inputs uses the first half of the hidden
    features, too. Under autocast everything but the norms runs in the autocast type.

    A shared batch norm (``BN``) normalises every sub-net with its own batch in
    training; its running statistics are those of the largest sub-net, so that a smaller
    one is evaluated through `extract`, recalibrated. ``SwitchableBN`` keeps a batch
    norm, affine and statistics, for each of ``num_switches`` sub-nets.

    Args:
        in_channels: Channels of the largest sub-net's last feature map, or those of all
            sub-nets, the largest first, which ``SwitchableBN`` needs for
            ``slice_hidden``.
        hid_channels: Features between the layers.
        out_channels: Features of the embedding.
        num_layers: Linear layers, at least 1.
        norm: ``BN``, ``SwitchableBN``, or None for none (MoCo v2's published neck).
        num_switches: Sub-nets of ``SwitchableBN``; the length of a list of
            ``in_channels``.
        with_last_bn: A batch norm behind the last layer too.
        with_last_bn_affine: Whether that one has weight and bias.
        with_bias: Bias of linear layers that no batch norm follows.
        with_avg_pool: Pools (N, C, H, W) maps to (N, C) first.
        slice_hidden: Whether the hidden width follows the sub-net's.
        init_cfg: As in mmengine.

    Raises:
        UserError: Bad ``norm``, ``num_layers`` or ``in_channels``.
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        hid_channels: int,
        out_channels: int,
        num_layers: int = 2,
        norm: str | None = "BN",
        num_switches: int = 1,
        with_last_bn: bool = False,
        with_last_bn_affine: bool = True,
        with_bias: bool = True,
        with_avg_pool: bool = True,
        slice_hidden: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if norm is not None and norm not in _BATCH_NORMS:
            raise BadConfigValue(
                f"a neck's norm is BN, SwitchableBN or None, not {norm!r}"
            )
        if num_layers < 1:
            raise BadConfigValue(f"a neck has at least one layer, not {num_layers}")
        inputs = [in_channels] if isinstance(in_channels, int) else list(in_channels)
        if not inputs or inputs[0] != max(inputs):
            raise BadConfigValue(
                f"a neck's in_channels start with the most, unlike {inputs}"
            )
        if norm == "SwitchableBN" and slice_hidden and len(inputs) == 1 < num_switches:
            raise BadConfigValue(
                "switchable batch norms of a sliced neck have as many widths as there "
                "are sub-nets; list the sub-nets' in_channels"
            )
        if len(inputs) == 1:
            inputs *= num_switches
        self.num_switches = len(inputs) if norm == "SwitchableBN" else 1
        self.with_avg_pool, self.slice_hidden = with_avg_pool, slice_hidden
        widths = [inputs[0], *[hid_channels] * (num_layers - 1), out_channels]
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList()
        for place in range(num_layers):
            last = place == num_layers - 1
            normed = norm is not None and (with_last_bn if last else True)
            affine = with_last_bn_affine if last else True
            self.layers.append(
                ElasticLinear(
                    widths[place], widths[place + 1], bias=with_bias and not normed
                )
            )
            active = [
                out_channels if last else self.hidden_width(channels)
                for channels in inputs[: self.num_switches]
            ]
            self.norms.append(
                nn.ModuleList(nn.BatchNorm1d(width, affine=affine) for width in active)
                if normed
                else nn.Identity()
            )

    def hidden_width(self, in_channels: int) -> int:
        """Returns the active hidden features of a sub-net.

        Args:
            in_channels: Channels of the sub-net's features.
        """
        first = self.layers[0]
        if not self.slice_hidden:
            return first.out_features
        return max(1, first.out_features * in_channels // first.in_features)

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
        hidden, last = self.hidden_width(x.shape[1]), len(self.layers) - 1
        for place, (layer, norms) in enumerate(
            zip(self.layers, self.norms, strict=True)
        ):
            x = layer(x, None if place == last else hidden)
            if isinstance(norms, nn.ModuleList):
                x = self._normalise(norms, x, view)
            if place != last:
                x = x.relu()
        return [x]

    @torch.no_grad()
    def copy_switch(self, to: int, source: int) -> None:
        """Gives one sub-net's batch norms what another's hold, as far as shapes agree.

        Args:
            to: Switch of the one.
            source: Switch of the other.
        """
        for norms in self.norms:
            if isinstance(norms, nn.ModuleList):
                theirs = norms[source].state_dict()
                for key, value in norms[to].state_dict().items():
                    if value.shape == theirs[key].shape:
                        value.copy_(theirs[key])

    @staticmethod
    def _normalise(norms: nn.ModuleList, x: Tensor, view: NormView) -> Tensor:
        if len(norms) > 1:
            return norms[view.switch](x)
        channels = x.shape[1]
        view = NormView(channels, tracked=view.tracked, subnet=view.subnet)
        return elastic_norm(norms[0], x, view)

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
        hidden, last = self.hidden_width(in_channels), len(self.layers) - 1
        for place, (layer, norms) in enumerate(
            zip(self.layers, self.norms, strict=True)
        ):
            inputs = in_channels if place == 0 else hidden
            outputs = layer.out_features if place == last else hidden
            modules.append(_plain_linear(layer, inputs, outputs))
            if isinstance(norms, nn.ModuleList):
                norm = norms[switch if len(norms) > 1 else 0]
                modules.append(_plain_norm(norm, outputs))
            if place != last:
                modules.append(nn.ReLU(inplace=True))
        return nn.Sequential(*modules).train(self.training)


def _plain_linear(layer: ElasticLinear, inputs: int, outputs: int) -> nn.Linear:
    weight = layer.weight[:outputs, :inputs]
    plain = nn.utils.skip_init(  # which draws no values
        nn.Linear,
        *(weight.shape[1], weight.shape[0]),
        bias=layer.bias is not None,
        device=weight.device,
        dtype=weight.dtype,
    )
    with torch.no_grad():
        plain.weight.copy_(weight)
        if layer.bias is not None:
            plain.bias.copy_(layer.bias[:outputs])
    return plain


def _plain_norm(norm: nn.BatchNorm1d, channels: int) -> nn.BatchNorm1d:
    plain = nn.BatchNorm1d(
        channels, eps=norm.eps, momentum=norm.momentum, affine=norm.affine
    )
    plain.to(next(norm.buffers()).device)
    plain.load_state_dict(
        {k: v[:channels] if v.dim() else v for k, v in norm.state_dict().items()}
    )
    return plain
