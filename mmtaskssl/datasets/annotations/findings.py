"""What was found, how often and where."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

from mmtaskssl.utils.families import BadLabels

#: A fault of a larger share is one of the whole file, not of single entries.
MOST = 0.5
_EXAMPLES = 2


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something about the data that their owner should know.

    Attributes:
        level: "note", "warning" where a result may suffer, or "error" where it would
            mean nothing.
        text: One sentence.
    """

    level: Literal["note", "warning", "error"]
    text: str


@dataclasses.dataclass
class Tally:
    """How often something was found, and where first.

    Attributes:
        count: How often.
        examples: Where, some of them.
    """

    count: int = 0
    examples: list[str] = dataclasses.field(default_factory=list)

    def add(self, place: str) -> None:
        """Counts one, of that place."""
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(place)

    def of(self, total: int, things: str) -> str:
        """Returns "3 of 40 boxes (such as a; b)"."""
        return f"{self.count:,} of {total:,} {things} (such as {self.such_as()})"

    def such_as(self) -> str:
        """Returns the examples."""
        return "; ".join(self.examples)


def refuse(findings: Sequence[Finding], say: Callable[[Finding], None]) -> None:
    """Refuses data of which a result would mean nothing.

    Args:
        findings: All that were found.
        say: Receives those that are not in the error's sentence, so that the report is
            whole.

    Raises:
        UserError: There is an error among them.
    """
    errors = [finding for finding in findings if finding.level == "error"]
    if not errors:
        return
    for finding in findings:
        if finding is not errors[0]:
            say(finding)
    raise BadLabels(errors[0].text)
