"""Families of errors: what a user can cause, each with a code that stays the same.

The code is printed behind the sentence, ``error: SENTENCE [code]``, and
``docs/troubleshooting.md`` is keyed by it. It is the family's, not the sentence's:
sentences may become better, codes are kept.
"""

from .asked import (
    BadBudget,
    BadCommand,
    BadValue,
    OptionConflict,
    OptionMissing,
    UnknownName,
)
from .data import (
    BadImageSource,
    BadLabels,
    ClassMismatch,
    FeaturesMismatch,
    ImagesMismatch,
    ImagesUnreadable,
    NoImages,
    NotFinite,
    ShapeMismatch,
    TargetForm,
    TargetTooSmall,
    TooFewImages,
)
from .files import (
    BadLaunch,
    DiskFull,
    FileDamaged,
    FileFormat,
    FileMissing,
    InUse,
    NewerFormat,
    NoResultYet,
    NotAResult,
    OperatorMissing,
    OutForeign,
    OutOfMemory,
    OutTaken,
    PackageMissing,
    StepFailed,
    SystemRefused,
    Unfinished,
    Unreachable,
    UntrustedFile,
)
from .networks import (
    BadConfigValue,
    BadSpace,
    BadSubnet,
    ClustersMismatch,
    ConfigUnknown,
    ConfigUnreadable,
    ConfigUnsuited,
    ExportMisfit,
    NetworkMisfit,
    NoSubnets,
    NotExportable,
    NoWeights,
    TeacherMisfit,
    Uncalibrated,
    UnknownNetwork,
    WeightsMismatch,
)
from .training import BadBatch, CannotResume, Collapsed, Diverged
from .user_error import UserError

__all__ = [
    "FAMILIES",
    "BadBatch",
    "BadBudget",
    "BadCommand",
    "BadConfigValue",
    "BadImageSource",
    "BadLabels",
    "BadLaunch",
    "BadSpace",
    "BadSubnet",
    "BadValue",
    "CannotResume",
    "ClassMismatch",
    "ClustersMismatch",
    "Collapsed",
    "ConfigUnknown",
    "ConfigUnreadable",
    "ConfigUnsuited",
    "DiskFull",
    "Diverged",
    "ExportMisfit",
    "FeaturesMismatch",
    "FileDamaged",
    "FileFormat",
    "FileMissing",
    "ImagesMismatch",
    "ImagesUnreadable",
    "InUse",
    "NetworkMisfit",
    "NewerFormat",
    "NoImages",
    "NoResultYet",
    "NoSubnets",
    "NoWeights",
    "NotAResult",
    "NotExportable",
    "NotFinite",
    "OperatorMissing",
    "OptionConflict",
    "OptionMissing",
    "OutForeign",
    "OutOfMemory",
    "OutTaken",
    "PackageMissing",
    "ShapeMismatch",
    "StepFailed",
    "SystemRefused",
    "TargetForm",
    "TargetTooSmall",
    "TeacherMisfit",
    "TooFewImages",
    "Uncalibrated",
    "Unfinished",
    "UnknownName",
    "UnknownNetwork",
    "Unreachable",
    "UntrustedFile",
    "UserError",
    "WeightsMismatch",
]

#: Each by its code.
FAMILIES: dict[str, type[UserError]] = {
    kind.code: kind
    for kind in globals().copy().values()
    if isinstance(kind, type) and issubclass(kind, UserError) and kind.code
}
