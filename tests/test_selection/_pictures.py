"""Generated pictures with layout and fine structure, as photographs have them."""

import cv2
import numpy as np


def picture(seed: int, details: int | None = None, side: int = 96) -> np.ndarray:
    """Draws one.

    Args:
        seed: Of the layout.
        details: Of the fine structure; default: that of the layout.
        side: Pixels.

    Returns:
        (side, side, 3) uint8.
    """
    layout = np.random.default_rng(seed).standard_normal((side, side, 3))
    layout = cv2.GaussianBlur(layout.astype(np.float32), (0, 0), 16)
    fine = np.random.default_rng((seed if details is None else details) + 1000)
    fine = fine.standard_normal((side, side, 3)).astype(np.float32)
    fine = cv2.GaussianBlur(fine, (0, 0), 2) - cv2.GaussianBlur(fine, (0, 0), 6)
    image = 60 * layout / layout.std() + 30 * fine / fine.std()
    return np.clip(128 + image, 0, 255).astype(np.uint8)
