"""What was asked for cannot be, or is not clear."""

from .user_error import UserError


class BadCommand(UserError):
    """The command line has no such command, flag or form."""

    code = "bad-command"


class BadValue(UserError):
    """An option or argument has a value of another kind, or out of range."""

    code = "bad-value"


class UnknownName(UserError):
    """A name is none of those that are known."""

    code = "unknown-name"


class OptionConflict(UserError):
    """Options contradict one another, or say nothing here."""

    code = "option-conflict"


class OptionMissing(UserError):
    """Something else has to be named for this."""

    code = "option-missing"


class BadBudget(UserError):
    """A budget cannot be read, or nothing has it."""

    code = "bad-budget"
