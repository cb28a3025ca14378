"""Whether a file has all of a network's weights, or lacks what may be lacking."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..utils.errors import option
from .patterns import patterns_of

# Keys of negatives, which a training fills again before it needs them.
_REFILLED = re.compile(r"(.*\.)?queue\w*")


@dataclass(frozen=True)
class Differing:
    """Weights that a file and a network do not share, and that nobody named.

    Attributes:
        missing: The network's, which the file lacks.
        unlike: Of other shapes.
        surplus: The file's, which the network lacks, in parts that it has: blocks of a
            deeper network. Whole parts that it lacks, such as heads, are left out.
    """

    missing: Sequence[str]
    unlike: Sequence[str]
    surplus: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unlike or self.surplus)

    def reason(self, own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
        """Says what differs, and how to allow it.

        Args:
            own: The network's weights.
            state: The file's.
        """
        words = []
        if self.unlike:
            key = self.unlike[0]
            words.append(
                f"{len(self.unlike)} differ in shape, the first is {key} with "
                f"{tuple(state[key].shape)} instead of {tuple(own[key].shape)}"
            )
        if self.missing:
            words.append(f"it lacks {len(self.missing)}, such as {self.missing[0]}")
        if self.surplus:
            words.append(
                f"it has {len(self.surplus)} that the network lacks, such as "
                f"{self.surplus[0]}"
            )
        return f"{' and '.join(words)} ({option('allow')} names what may differ)"


def differing(
    own: Mapping[str, Tensor],
    state: Mapping[str, Tensor],
    allow: Iterable[str] = (),
    of: str = "",
) -> Differing:
    """Compares a file's weights with a network's, by names and shapes.

    Args:
        own: The network's weights.
        state: The file's, by the network's names.
        allow: Patterns (regular expressions, from a key's beginning) of what may
            differ.
        of: Prefix of the file's keys that the network must have.
    """
    patterns = patterns_of(allow)

    def counts(key: str) -> bool:
        if _REFILLED.fullmatch(key) or (key in own and _is_counter(own[key])):
            return False
        return not any(p.match(key) for p in patterns)

    common = [key for key in own if key in state]
    unlike = [k for k in common if getattr(state[k], "shape", None) != own[k].shape]
    parts = {_part(key, of) for key in own}
    surplus = [k for k in state if k not in own and _part(k, of) in parts - {""}]
    return Differing(
        [key for key in own if key not in state and counts(key)],
        [key for key in unlike if counts(key)],
        sorted(key for key in surplus if counts(key)),
    )


def _part(key: str, of: str) -> str:
    """Returns the part of a network that a key is of; "" of no key behind ``of``."""
    return key[len(of) :].partition(".")[0] if key.startswith(of) else ""


def _is_counter(value: Tensor) -> bool:
    """Whether it counts steps, which act on nothing that was trained."""
    return value.numel() == 1 and not value.is_floating_point()
