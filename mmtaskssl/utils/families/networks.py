"""Configs, networks, weights and sub-nets."""

from .user_error import UserError

# Configs.


class ConfigUnreadable(UserError):
    """A config is not there, or cannot be evaluated."""

    code = "config-unreadable"


class ConfigUnknown(UserError):
    """A config has a key, a type or an argument that nothing knows."""

    code = "config-unknown"


class BadConfigValue(UserError):
    """A part of a config does not take a value that it is given."""

    code = "bad-config-value"


class ConfigUnsuited(UserError):
    """An option, hook or verb needs a config of another kind, or another part in it."""

    code = "config-unsuited"


class TeacherMisfit(UserError):
    """A teacher and what it is to teach do not fit together."""

    code = "teacher-misfit"


# Networks and weights.


class UnknownNetwork(UserError):
    """What is named or described is no network that can be opened."""

    code = "unknown-network"


class NoWeights(UserError):
    """Weights are needed, and none are named or at hand."""

    code = "no-weights"


class WeightsMismatch(UserError):
    """Weights belong to another network."""

    code = "weights-mismatch"


class NetworkMisfit(UserError):
    """A network does not take such images, or does not give what is needed of it."""

    code = "network-misfit"


class ExportMisfit(UserError):
    """An export does not fit in the place of a config's backbone."""

    code = "export-misfit"


class NotExportable(UserError):
    """A network cannot be exported."""

    code = "not-exportable"


# Sub-nets.


class NoSubnets(UserError):
    """A network has no sub-nets, or no paths."""

    code = "no-subnets"


class BadSubnet(UserError):
    """What is written is no sub-net, or none of this network."""

    code = "bad-subnet"


class BadSpace(UserError):
    """A search space or an architecture is not described as it must be."""

    code = "bad-space"


class Uncalibrated(UserError):
    """Sub-nets have no batch-norm statistics of their own, or need none."""

    code = "uncalibrated"


class ClustersMismatch(UserError):
    """Clusters, or batches of them, belong to another network."""

    code = "clusters-mismatch"
