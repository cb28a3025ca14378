"""Metrics that hooks measure in training, for the hooks that decide by them."""

from collections.abc import Mapping, Sequence

from mmengine.dist import broadcast_object_list
from mmengine.runner import Runner

from mmtaskssl.utils.families import ConfigUnsuited


def publish_metrics(
    runner: Runner, metrics: Mapping[str, float], publisher: str, epoch: int, iters: int
) -> None:
    """Hands metrics to the hooks with ``after_metrics``: best checkpoint, early stop.

    mmengine's ``after_val_epoch`` belongs to a validation loop, which other hooks
    rely on (the logger asks for its loader, an average of weights swaps itself in).

    Args:
        runner: In training.
        metrics: Of all processes the first one's count, so that all decide the same.
        publisher: Name of the hook. A checkpoint remembers with it what was measured,
            see `was_published`.
        epoch: Epochs done.
        iters: Iterations done.
    """
    box = [{name: float(value) for name, value in metrics.items()}]
    broadcast_object_list(box)
    runner.message_hub.update_info(f"published_{publisher}", iters)
    runner.call_hook("after_metrics", metrics=box[0], epoch=epoch, iters=iters)


def was_published(runner: Runner, publisher: str, iters: int) -> bool:
    """True unless a resumed checkpoint is from before the measurement of its own step.

    A checkpoint is written before that (a crash in it must not cost the checkpoint), so
    a kill in between would lose it.
    """
    return iters == runner.message_hub.get_info(f"published_{publisher}")


def check_source(runner: Runner, user: str, metric: str) -> None:
    """Refuses to wait for a metric where nothing is measured.

    Args:
        runner: Its hooks with ``publishes_metrics`` and its validation are asked.
        user: Who waits, for the message.
        metric: Its name.

    Raises:
        UserError: No hook and no validation measures anything.
    """
    if not _sources(runner):
        raise ConfigUnsuited(
            f"{user} waits for {metric!r}, but this training measures nothing: give it "
            "a validation or a KNNHook (target=FOLDER)"
        )


def select_metrics(
    runner: Runner, user: str, names: Sequence[str], metrics: Mapping[str, float]
) -> list[str]:
    """Returns those of ``names`` that were measured.

    Raises:
        UserError: One was not, and nothing else in this training could bring it.
    """
    found = [name for name in names if name in metrics]
    if len(found) < len(names) and len(_sources(runner)) == 1:
        absent = next(name for name in names if name not in metrics)
        raise ConfigUnsuited(
            f"{user} waits for {absent!r}, but measured are: {', '.join(metrics)}"
        )
    return found


def _sources(runner: Runner) -> list[object]:
    hooks = [h for h in runner.hooks if getattr(h, "publishes_metrics", False)]
    return hooks if runner.val_loop is None else [*hooks, runner.val_loop]
