from collections.abc import Sequence

from torch import Tensor

from ...registry import MODELS
from ...utils.families import NetworkMisfit
from .library_backbone import LibraryBackbone, Output


@MODELS.register_module()
class TimmBackbone(LibraryBackbone):
    """Any network of timm as a backbone; see `LibraryBackbone` for the arguments.

    Levels are timm's ``feature_info``: the stages of convolutional networks, the blocks
    of transformers. Maps of transformers are of their patch tokens.
    """

    library = "timm"

    @property
    def levels(self) -> Sequence[str]:
        """See `LibraryBackbone.levels`."""
        return [entry["module"] for entry in self._infos()]

    @property
    def default_output(self) -> Output:
        """See `LibraryBackbone.default_output`."""
        return "feature" if hasattr(self.body, "num_prefix_tokens") else "map"

    def _infos(self) -> list[dict]:
        infos = getattr(self.body, "feature_info", [])
        return getattr(infos, "info", infos)

    def _channels(self, features: int) -> tuple[int, ...]:
        if self.out_indices is not None:
            if not hasattr(self.body, "forward_intermediates"):
                raise NetworkMisfit(
                    f"timm:{self.name} gives no maps of levels: leave out_indices out"
                )
            return tuple(self._infos()[i]["num_chs"] for i in self.out_indices)
        return (features if self.output == "feature" else self.body.num_features,)

    def _map(self, x: Tensor) -> Tensor:
        if hasattr(self.body, "num_prefix_tokens"):
            return self._intermediate(x, [-1], norm=True)[0]
        x = self.body.forward_features(x)
        return x.permute(0, 3, 1, 2) if self._is_last else x

    @property
    def _is_last(self) -> bool:
        return str(getattr(self.body, "output_fmt", "NCHW")).endswith("NHWC")

    def _maps(self, x: Tensor) -> Sequence[Tensor]:
        return self._intermediate(x, list(self.out_indices or ()))

    def _intermediate(self, x: Tensor, indices: list[int], norm=False) -> list[Tensor]:
        return self.body.forward_intermediates(
            x, indices=indices, norm=norm, output_fmt="NCHW", intermediates_only=True
        )
