from typing import Any

from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import Tensor

from mmtaskssl.registry import MODEL_WRAPPERS
from mmtaskssl.utils.families import ConfigUnsuited

from .elastic_base import ElasticAlgorithm


@MODEL_WRAPPERS.register_module()
class ElasticDDP(MMDistributedDataParallel):
    """Data parallelism for an `ElasticAlgorithm`: ``model_wrapper_cfg`` in a config.

    mmengine's own wrapper runs one forward a step. This one leaves the step to the
    algorithm, which keeps gradients local for all but the last sub-net; its backward
    pass exchanges the sums. Parameters that no sub-net used stay without gradient in
    every process, those that only earlier ones used are exchanged too, for which
    ``find_unused_parameters`` must be on: where the last sub-net leaves weights out,
    the host waits once a step for what the processes used. Works with any backend of
    torch's.

    Args:
        module: The algorithm.
        broadcast_buffers: As in torch; mmengine's default.
        **kwargs: Further arguments of torch's `DistributedDataParallel`.

    Raises:
        UserError: The model is not an `ElasticAlgorithm`.
    """

    def __init__(
        self, module: ElasticAlgorithm, broadcast_buffers: bool = False, **kwargs
    ) -> None:
        if not isinstance(module, ElasticAlgorithm):
            raise ConfigUnsuited(
                f"ElasticDDP trains elastic algorithms only, not "
                f"{type(module).__name__}; remove model_wrapper_cfg from the config"
            )
        kwargs["find_unused_parameters"] = True
        super().__init__(module=module, broadcast_buffers=broadcast_buffers, **kwargs)

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """See `ElasticAlgorithm.train_step`.

        Args:
            data: A batch of the data loader.
            optim_wrapper: Moves the weights, once.
        """
        return self.module.train_step(data, optim_wrapper, wrapper=self)
