"""What the stages of our pre-training evidence start from."""

from collections.abc import Callable, Mapping

from ..networks import preprocessing_of
from ..utils.steps import Steps
from .evidence import EvidenceFolder
from .target import Target


class EvidenceStages:
    """Runs what is not done yet, by steps that keep a log each.

    Args:
        study: Says what, and where it is kept; has the pre-training's config as
            ``cfg``.
        show: Receives lines of progress.
        env: Added to the environment of every step.
    """

    def __init__(
        self,
        study: EvidenceFolder,
        show: Callable[[str], None],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.study, self.show = study, show
        self.steps = Steps(study.out / "logs", show, env)
        self._targets: dict[str, Target] = {}

    def target(self, name: str) -> Target:
        """Returns a target's images at the size of the networks' own views.

        Each target is read once.

        Raises:
            UserError: An image cannot be read, or lies in no class folder.
        """
        if name not in self._targets:
            transform = preprocessing_of(self.study.cfg, None)
            folder = self.study.target_folder(name)
            self._targets[name] = Target.read(folder, transform)
        return self._targets[name]
