"""A projector for each width."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmtaskssl.registry import MODELS

from ..elastic import NormView
from ..elastic.norm import WHOLE
from .elastic_nonlinear_neck import ElasticNonLinearNeck


@MODELS.register_module()
class PerWidthNeck(BaseModule):
    """An `ElasticNonLinearNeck` for each sub-net of a listed space, none shared.

    Args:
        in_channels: Channels of each sub-net's features, in the space's order.
        hid_channels: Features between the layers, of each.
        out_channels: Features of the embedding.
        init_cfg: As in mmengine.
        **options: `ElasticNonLinearNeck`'s; its batch norms are plain ones here.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        hid_channels: int,
        out_channels: int,
        init_cfg: dict | None = None,
        **options,
    ) -> None:
        super().__init__(init_cfg)
        self.necks = nn.ModuleList(
            ElasticNonLinearNeck(channels, hid_channels, out_channels, **options)
            for channels in in_channels
        )
        self.num_switches = len(self.necks)

    def forward(
        self, x: Tensor | Sequence[Tensor], view: NormView = WHOLE
    ) -> list[Tensor]:
        """Projects features with the neck of their sub-net.

        Args:
            x: See `ElasticNonLinearNeck.forward`.
            view: Its ``switch`` names the neck.

        Returns:
            One tensor (N, out_channels) in a list.
        """
        return self.necks[view.switch](x, WHOLE)

    def copy_switch(self, to: int, source: int) -> None:
        """Gives one sub-net's projector the weights of another's of the same width.

        Args:
            to: Switch of the one.
            source: Switch of the other.
        """
        self.necks[to].load_state_dict(self.necks[source].state_dict())

    def extract(self, in_channels: int, switch: int = 0) -> nn.Sequential:
        """Returns the plain neck of a sub-net, with copies of the weights.

        Args:
            in_channels: Channels of the sub-net's features.
            switch: Index of the sub-net.
        """
        return self.necks[switch].extract(in_channels)
