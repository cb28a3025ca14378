"""What happens in a training."""

from .user_error import UserError


class BadBatch(UserError):
    """A batch or a queue is too large for the images, or too small for batch norm."""

    code = "bad-batch"


class Diverged(UserError):
    """A training diverged, or a network's numbers have left their range."""

    code = "diverged"


class Collapsed(UserError):
    """The embeddings have collapsed."""

    code = "collapsed"


class CannotResume(UserError):
    """A training cannot go on from what is there."""

    code = "cannot-resume"
