"""An algorithm's teachers, and what they add to its step."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mmtaskssl.utils.families import TeacherMisfit

from ..elastic import NormView
from ..preprocessors.teacher_views import TeacherView
from ..teachers import Taught
from .distillation import Distillation


class Teachers(nn.ModuleList):
    """The distillations of one algorithm.

    Its ``inputs`` then hold the student's views and, behind them, those of its
    teachers, which the data preprocessor makes.

    Args:
        configs: Of each `Distillation`.
        backbone: The student's.
        preprocessor: Is told which views the teachers want.

    Raises:
        UserError: The preprocessor makes no views for teachers; and see `Distillation`.
    """

    def __init__(
        self,
        configs: Sequence[Mapping[str, Any]],
        backbone: nn.Module,
        preprocessor: nn.Module,
    ) -> None:
        super().__init__(Distillation(backbone, **config) for config in configs)
        self._shown: list[int] = []
        for part in self:
            teacher = part.teacher
            if teacher.view_size is None:
                self._shown.append(0)
                continue
            if not hasattr(preprocessor, "show"):
                raise TeacherMisfit(
                    f"the teacher {teacher.name} sees images, which "
                    f"{type(preprocessor).__name__} does not make: set "
                    "model.data_preprocessor.type=TwoViewPreprocessor"
                )
            mean, std = teacher.mean, teacher.std
            if mean is None or std is None:
                mean, std = preprocessor.statistics()
            view = TeacherView(teacher.view_size, mean, std, teacher.channel_order)
            self._shown.append(preprocessor.show(view, part.views))

    def split(self, inputs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the student's views, and the teachers'."""
        count = len(inputs) - sum(self._shown)
        if not inputs or count < max(part.views for part in self):
            raise TeacherMisfit(
                "a step of an algorithm with teachers needs the views that its data "
                "preprocessor makes in training"
            )
        return list(inputs[:count]), list(inputs[count:])

    @torch.no_grad()
    def teach(self, shown: Sequence[Tensor], data_samples: Any) -> list[list[Taught]]:
        """Asks all teachers, once a step.

        Args:
            shown: The teachers' views.
            data_samples: One an image.

        Returns:
            Of each teacher its answers.
        """
        shown, answers = list(shown), []
        for part, count in zip(self, self._shown, strict=True):
            views, shown = shown[:count], shown[count:]
            answers.append(part.teach(views, data_samples))
        return answers

    def loss(
        self,
        outputs: Sequence[Any],
        taught: Sequence[Sequence[Taught]],
        view: NormView | None = None,
        rows: slice = slice(None),
    ) -> dict[str, Tensor]:
        """Returns the losses of all teachers, means over the views that they teach.

        Args:
            outputs: The student's backbone's, of each view that is taught.
            taught: What `teach` returned.
            view: The sub-net's, of an elastic student.
            rows: Which of the step's images the student has seen.
        """
        found: dict[str, Tensor] = {}
        for place, (part, answers) in enumerate(zip(self, taught, strict=True)):
            for number in range(part.views):
                answer = answers[min(number, len(answers) - 1)]
                losses = part.loss(outputs[number], answer, view, rows)
                for name, value in losses.items():
                    name = f"{name}_{place}" if place else name
                    found[name] = found.get(name, 0) + value / part.views
        return found

    @property
    def views(self) -> int:
        """Most of the student's views that a teacher teaches."""
        return max(part.views for part in self)

    def finish(self, taught: Sequence[Sequence[Taught]]) -> None:
        """Ends a step."""
        for part, answers in zip(self, taught, strict=True):
            part.finish(answers)


@contextmanager
def watched(neck: nn.Module | None) -> Iterator[list[Any]]:
    """Yields a list that receives what the backbone hands to the neck.

    So that a view which the algorithm's own loss has run is not run again. (A hook on
    the backbone itself would break a compiled one.)

    Args:
        neck: None: nothing is received.
    """
    seen: list[Any] = []
    if neck is None:
        yield seen
        return
    handle = neck.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    try:
        yield seen
    finally:
        handle.remove()
