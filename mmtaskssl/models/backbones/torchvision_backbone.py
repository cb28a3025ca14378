from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import DenseNet

from ...registry import MODELS
from ...utils.families import NetworkMisfit
from .library_backbone import LibraryBackbone, Output

# Modules in front of the pool, in order, of the families that are a chain of them; each
# after the first of the second tuple ends a level.
_CHAINS = (
    (("conv1", "bn1", "relu", "maxpool"), ("layer1", "layer2", "layer3", "layer4")),
    (("conv1", "maxpool"), ("stage2", "stage3", "stage4", "conv5")),
    ((), ("features", "norm", "permute")),  # Swin
    ((), ("features",)),
    ((), ("layers",)),
    (("stem",), ("trunk_output",)),
)


@MODELS.register_module()
class TorchvisionBackbone(LibraryBackbone):
    """Any classifier of torchvision as a backbone; see `LibraryBackbone`.

    Levels are the four stages of ResNets and ShuffleNets, and the children of
    ``features`` (``layers``, ``trunk_output``) elsewhere. Networks that are no chain of
    modules (GoogLeNet, Inception, MaxViT, ViT) have their pooled feature alone.
    """

    library = "torchvision"

    @property
    def _chain(self) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        return next(
            (
                (stem, stages)
                for stem, stages in _CHAINS
                if all(hasattr(self.body, name) for name in (*stem, *stages))
            ),
            None,
        )

    @property
    def levels(self) -> Sequence[str]:
        """See `LibraryBackbone.levels`."""
        if self._chain is None:
            return []
        stages = self._chain[1]
        if len(stages) == 4:
            return stages
        first = self.body.get_submodule(stages[0])
        return [f"{stages[0]}.{name}" for name, _ in first.named_children()]

    @property
    def default_output(self) -> Output:
        """See `LibraryBackbone.default_output`."""
        return "feature" if self._chain is None else "map"

    def _channels(self, features: int) -> tuple[int, ...]:
        if self.out_indices is None and self.output == "feature":
            return (features,)
        if self._chain is None:
            raise NetworkMisfit(
                f"torchvision:{self.name} gives no feature map: set output='feature'"
            )
        if self.out_indices is not None:
            if not hasattr(self.body, "layer4"):
                raise NetworkMisfit(
                    f"out_indices of torchvision:{self.name} are not served: they are "
                    "of ResNets; timm has this network, too"
                )
            return tuple(_out_channels(self.body, i) for i in self.out_indices)
        pool = getattr(self.body, "avgpool", None)
        size = getattr(pool, "output_size", 1)  # VGG and AlexNet flatten a small map
        height, width = size if isinstance(size, tuple) else (size, size)
        return (features // (height * width),)

    def _map(self, x: Tensor) -> Tensor:
        for name in (name for part in self._chain or () for name in part):
            x = self.body.get_submodule(name)(x)
        return F.relu(x) if isinstance(self.body, DenseNet) else x

    def _maps(self, x: Tensor) -> Sequence[Tensor]:
        stem, stages = self._chain or ((), ())
        for name in stem:
            x = self.body.get_submodule(name)(x)
        outs = []
        for index in range(1 + max(self.out_indices or ())):
            x = self.body.get_submodule(stages[index])(x)
            outs.append(x)
        return [outs[index] for index in self.out_indices or ()]


def _out_channels(resnet: nn.Module, level: int) -> int:
    block = resnet.get_submodule(f"layer{level + 1}")[-1]
    return [m for m in block.modules() if isinstance(m, nn.Conv2d)][-1].out_channels
