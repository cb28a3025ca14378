"""All arms, by name, those that are preferred where nothing tells them apart first."""

from .arm import Arm
from .branched import Branched
from .branched_long import BranchedLong
from .branched_long_random import BranchedLongOnRandom
from .branched_random import BranchedOnRandom
from .continued import Continued
from .continued_random import ContinuedOnRandom
from .continued_target import ContinuedWithTarget
from .distilled import Distilled
from .distilled_random import DistilledOnRandom
from .generic import Generic
from .generic_long import GenericLong
from .norms import StartWithNorms
from .routed import Routed
from .scratch import Scratch
from .scratch_random import ScratchOnRandom
from .searched import Searched
from .slimmed import Slimmed
from .specialist import Specialist
from .start import StartAsItIs
from .untrained import Untrained

ARMS: dict[str, Arm] = {
    arm.name: arm
    for arm in (
        StartAsItIs(),
        StartWithNorms(),
        Untrained(),
        Generic(),
        GenericLong(),
        ContinuedOnRandom(),
        ScratchOnRandom(),
        DistilledOnRandom(),
        BranchedOnRandom(),
        BranchedLongOnRandom(),
        Continued(),
        ContinuedWithTarget(),
        Specialist(),
        Distilled(),
        Branched(),
        BranchedLong(),
        Scratch(),
        Slimmed(),
        Searched(),
        Routed(),
    )
}
#: The control that shares all but the choice of images with an arm.
RANDOM_OF = {
    "continued": "continued-random",
    "continued-target": "continued-random",
    "specialist": "continued-random",
    "scratch": "scratch-random",
    "distilled": "distilled-random",
    "branched": "branched-random",
    "branched-long": "branched-long-random",
}
