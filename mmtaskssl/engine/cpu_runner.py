import os

import torch
from mmengine.dist import is_distributed
from mmengine.model import revert_sync_batchnorm
from torch import nn
from torch.utils.data import DataLoader

from mmtaskssl.registry import RUNNERS
from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import BadLaunch

from .runner import ResumableRunner


@RUNNERS.register_module()
class CPURunner(ResumableRunner):
    """The Runner where there is no GPU.

    mmengine's takes a GPU for granted in three places, which are overridden here:
    the process group (nccl, after `torch.cuda.set_device`), the wrapper's
    ``device_ids`` and SyncBN, which has no CPU kernel and becomes plain batch norm.
    Data loaders pin no memory, which would only bring a warning each.
    """

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict,
        seed: int | None = None,
        diff_rank_seed: bool = False,
    ) -> DataLoader:
        """Builds a data loader that does not pin memory.

        Args:
            dataloader: A config, or a loader, which is returned as it is.
            seed: See `Runner`.
            diff_rank_seed: See `Runner`.
        """
        if isinstance(dataloader, dict):
            dataloader = {**dataloader, "pin_memory": False}
        return ResumableRunner.build_dataloader(dataloader, seed, diff_rank_seed)

    def setup_env(self, env_cfg: dict) -> None:
        """Joins a gloo group first, so that mmengine finds one.

        Args:
            env_cfg: See `Runner`; ``dist_cfg.backend`` is not used.

        Raises:
            UserError: A launcher other than torchrun, or no torchrun's environment.
        """
        if self.distributed and not is_distributed():
            _init_gloo(self._launcher)
        super().setup_env(env_cfg)

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Builds the model and replaces SyncBN in it.

        Args:
            model: A config or a model.
        """
        return revert_sync_batchnorm(super().build_model(model))

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wraps without device ids.

        Args:
            model_wrapper_cfg: See `Runner`; None means mmengine's defaults.
            model: The built model.
        """
        self.cfg.pop("sync_bn", None)
        if self.distributed:
            unused = self.cfg.get("find_unused_parameters", False)
            default = {
                "type": "MMDistributedDataParallel",
                "broadcast_buffers": False,
                "find_unused_parameters": unused,
            }
            model_wrapper_cfg = {**(model_wrapper_cfg or default), "device_ids": None}
        return super().wrap_model(model_wrapper_cfg, model)


def _init_gloo(launcher: str) -> None:
    if launcher != "pytorch":
        raise BadLaunch(
            f"{option('launcher')} {launcher} needs a GPU; on a CPU use pytorch, with "
            "torchrun"
        )
    missing = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} - set(os.environ)
    if missing:
        raise BadLaunch(
            f"{option('launcher')} pytorch needs the environment that torchrun (or "
            f"tools/dist_train.sh) sets up; missing: {', '.join(sorted(missing))}"
        )
    torch.distributed.init_process_group("gloo")
