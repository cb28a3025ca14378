"""Images, the target, features and figures."""

from .user_error import UserError

# Images.


class NoImages(UserError):
    """No images are there, or none are left."""

    code = "no-images"


class TooFewImages(UserError):
    """There are images, but fewer than this needs."""

    code = "too-few-images"


class ImagesUnreadable(UserError):
    """Image files are broken, or more of them than is allowed."""

    code = "images-unreadable"


class ImagesMismatch(UserError):
    """Two places name different images, or by another root."""

    code = "images-mismatch"


class BadImageSource(UserError):
    """A list, table, Parquet file or tar of images is not as it must be."""

    code = "bad-image-source"


# The target.


class TargetForm(UserError):
    """What a target is, or which part is to train and to test on, cannot be told."""

    code = "target-form"


class TargetTooSmall(UserError):
    """A target has too few images or classes, or a class too few of them."""

    code = "target-too-small"


class BadLabels(UserError):
    """Labels, boxes or masks are missing, or are not what their form says."""

    code = "bad-labels"


class ClassMismatch(UserError):
    """Two parts, or a config and its data, have different classes."""

    code = "class-mismatch"


# Features and figures.


class FeaturesMismatch(UserError):
    """Two sets of features are of different networks or images' sizes."""

    code = "features-mismatch"


class ShapeMismatch(UserError):
    """Arrays or lists do not belong together, or have another shape than needed."""

    code = "shape-mismatch"


class NotFinite(UserError):
    """Numbers hold NaN or infinity."""

    code = "not-finite"
