"""The colour of whole images, which copies share unless one of them has none."""

import dataclasses

import cv2
import numpy as np

# Colours of a grey image that went through a JPEG differ by no more.
_GREY = 8
# Tints of images and their crops differed by 25 at most (300 of five data sets, a
# twentieth of them by more than 12), of chequered boards of other colours by up to 88.
_TINT = 25


@dataclasses.dataclass(frozen=True)
class Tint:
    """The colour of an image.

    Attributes:
        mean: Red less green, and yellow less blue, -255..255.
        grey: Whether it has no colours.
    """

    mean: tuple[int, int] = (0, 0)
    grey: bool = False

    @classmethod
    def of(cls, image: np.ndarray) -> "Tint":
        """Looks at an image (H, W, 3), uint8 RGB."""
        red, green, blue, _ = cv2.mean(image)
        mean = round(red - green), round((red + green) / 2 - blue)
        return cls(mean, _is_grey(image))

    def differs(self, other: "Tint") -> bool:
        """Whether both have colours, and others: then neither is a copy."""
        pairs = zip(self.mean, other.mean, strict=True)
        far = max(abs(left - right) for left, right in pairs) > _TINT
        return far and not self.grey and not other.grey


def _is_grey(image: np.ndarray) -> bool:
    red, green, blue = cv2.split(image)
    return bool(
        cv2.absdiff(red, green).max() <= _GREY
        and cv2.absdiff(green, blue).max() <= _GREY
    )
