"""Our own `pretrain`, in turns."""

import torch
from mmengine.hooks import Hook
from turns import Turns, count_parameters, read_task, save_backbone

import mmtaskssl
from mmtaskssl.apis import pretrain
from mmtaskssl.config import load_config
from mmtaskssl.registry import HOOKS

RUNNERS = []
TURNS = Turns(lambda path: save_backbone(RUNNERS[0].model.backbone, path))


@HOOKS.register_module()
class TurnsHook(Hook):
    """Tells the parent of each step, views and loading of the next one not begun."""

    priority = "VERY_LOW"

    def before_train(self, runner) -> None:
        """Says what is there."""
        RUNNERS.append(runner)
        TURNS.ready(
            package=f"mmtaskssl {mmtaskssl.__version__}",
            torch=torch.__version__,
            threads=torch.get_num_threads(),
            parameters=count_parameters(runner.model),
        )

    def after_train_iter(self, *args, **kwargs) -> None:
        """Says that a step is done."""
        TURNS.step_done()


def main() -> None:
    task = read_task()
    torch.set_num_threads(task["threads"])
    options = {
        "train_dataloader.batch_size": task["batch"],
        "train_dataloader.num_workers": 0,
        "train_dataloader.persistent_workers": False,
        "model.data_preprocessor.view_size": task["size"],
        **task["options"],
    }
    if task["teacher"]:
        options["teacher"] = task["teacher"]
    cfg = load_config(task["method"], {"images": task["images"], **options})
    hooks = list(cfg.get("custom_hooks") or ())
    cfg.custom_hooks = [*hooks, {"type": "TurnsHook"}]
    pretrain(cfg, work_dir=f"{task['work']}/out")


main()
