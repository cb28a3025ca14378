"""Files, folders, results of earlier commands, and the machine."""

from .user_error import UserError

# Files and folders.


class FileMissing(UserError):
    """A file or folder is not where it is said to be."""

    code = "file-missing"


class FileFormat(UserError):
    """A file is of another format than it is read as."""

    code = "file-format"


class FileDamaged(UserError):
    """A file is damaged, cut short, or was changed after it was written."""

    code = "file-damaged"


class UntrustedFile(UserError):
    """A file needs code to be run to be read, and is not."""

    code = "untrusted-file"


class NewerFormat(UserError):
    """A file was written by a later version."""

    code = "newer-format"


class SystemRefused(UserError):
    """The operating system does not let a file or folder be read or written."""

    code = "system-refused"


class Unreachable(UserError):
    """What lies under an address cannot be fetched, though it was tried again."""

    code = "unreachable"


class DiskFull(UserError):
    """A disk has no room for what is written."""

    code = "disk-full"


# Results of earlier commands, and places for new ones.


class NotAResult(UserError):
    """A folder or file is not what an earlier command writes."""

    code = "not-a-result"


class Unfinished(UserError):
    """An earlier command was not finished, or a part of its result is gone."""

    code = "unfinished"


class NoResultYet(UserError):
    """What is asked for was not computed yet."""

    code = "no-result-yet"


class OutTaken(UserError):
    """The place for a result holds another one of its kind."""

    code = "out-taken"


class OutForeign(UserError):
    """The place for a result holds what is not ours, and is never replaced."""

    code = "out-foreign"


class InUse(UserError):
    """Another process is writing there."""

    code = "in-use"


# The machine.


class OutOfMemory(UserError):
    """There is not enough memory."""

    code = "out-of-memory"


class OperatorMissing(UserError, NotImplementedError):
    """A model calls an operator that only a compiled mmcv has."""

    code = "operator-missing"


class PackageMissing(UserError):
    """A package is needed that is not installed."""

    code = "package-missing"


class BadLaunch(UserError):
    """A device, a launcher or its processes cannot be used as asked."""

    code = "bad-launch"


class StepFailed(UserError):
    """A process of the work ended, and said nothing that has a code of its own."""

    code = "step-failed"
