import logging
from collections.abc import Sequence

from mmengine.logging import print_log
from torch import Tensor, nn

from ..registry import WEIGHT_INITIALIZERS
from ..utils.families import WeightsMismatch
from ..weights import check_finite, load_state_dict, load_weights


@WEIGHT_INITIALIZERS.register_module()
class ExportInit:
    """Initialises a module with exported weights: all of them, or an error.

    mmengine's own ``Pretrained`` loads what fits, were it nothing, and goes on.

    Args:
        checkpoint: ``weights.pth`` or ``.safetensors`` of an export.
        only: Parts of the module that the file has, ``layer4`` for one; none: all of
            it. Its other parts are its own.
        skip: Prefixes of the file's keys that the module lacks on purpose.
        allow_partial: Go on where only part of the module's keys match. Beside
            ``backbone=EXPORT_DIR``: ``model.backbone.init_cfg.allow_partial=True``.
    """

    def __init__(
        self,
        checkpoint: str,
        only: Sequence[str] = (),
        skip: Sequence[str] = (),
        allow_partial: bool = False,
    ) -> None:
        self.checkpoint = checkpoint
        self.only, self.skip = tuple(only), tuple(skip)
        self.allow_partial = allow_partial

    def __call__(self, module: nn.Module) -> None:
        """Loads the weights in place.

        Args:
            module: A backbone, or a part of one.

        Raises:
            UserError: The file cannot be read or belongs to another architecture.
        """
        weights = load_state_dict(self.checkpoint)
        if self.allow_partial:
            self._load_fitting(module, weights)
            return
        for part in self.only or ("",):
            load_weights(
                module.get_submodule(part),
                weights,
                (f"{part}." if part else "",),
                source=self.checkpoint,
                ignore=self.skip,
            )

    def _load_fitting(self, module: nn.Module, weights: dict[str, Tensor]) -> None:
        own = module.state_dict()
        fitting = {
            k: v for k, v in weights.items() if k in own and own[k].shape == v.shape
        }
        if not fitting:
            raise WeightsMismatch(
                f"loaded 0/{len(own)} backbone keys: {self.checkpoint} belongs to "
                "another architecture"
            )
        check_finite(module, fitting, self.checkpoint, "backbone")
        module.load_state_dict(fitting, strict=False)
        print_log(
            f"loaded {len(fitting)}/{len(own)} backbone keys from {self.checkpoint}, "
            "the others keep their initial values",
            "current",
            logging.WARNING,
        )
