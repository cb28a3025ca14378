"""Images of any mode as 8-bit RGB."""

import numpy as np
from PIL import Image, ImageOps

from .bit_depth import to_8_bits

_STRIP = 256  # rows


def to_rgb(image: Image.Image, side: int | None) -> Image.Image:
    """Returns an image as 8-bit RGB, upright, see `decode_image`.

    Args:
        image: Pillow's, not yet decoded.
        side: Least length of its short side, where libjpeg decodes at a scale; None:
            whole.
    """
    if side is not None and image.format == "JPEG":
        # libjpeg's scaled decoding; never below the wanted size
        image.draft(None, (side, side))
    image.load()
    if image.getexif().get(0x0112, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = Image.fromarray(to_8_bits(np.asarray(image)))
    elif image.mode in ("I", "F"):
        image = Image.fromarray(_stretch(np.asarray(image)))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or (
        "transparency" in image.info and image.mode != "RGB"
    ):
        image = _over_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    """Lays an image over white, a strip at a time: three copies take memory."""
    out = Image.new("RGB", image.size)
    for top in range(0, image.height, _STRIP):
        box = (0, top, image.width, min(top + _STRIP, image.height))
        strip = image.crop(box).convert("RGBA")
        white = Image.new("RGBA", strip.size, (255, 255, 255, 255))
        out.paste(Image.alpha_composite(white, strip).convert("RGB"), box)
    return out


def _stretch(values: np.ndarray) -> np.ndarray:
    """Maps numbers (H, W) to 0..255, a strip at a time."""
    strips = range(0, len(values), _STRIP)
    low, high, whole = np.inf, -np.inf, True
    for top in strips:
        strip = values[top : top + _STRIP].astype(np.float64)
        if not np.isfinite(strip).all():
            raise ValueError("holds pixels that are not finite")
        low, high = min(low, strip.min()), max(high, strip.max())
        whole = whole and bool((strip == np.floor(strip)).all())
    # 16-bit samples in a wider mode
    wide = low >= 0 and 255 < high <= 65535 and whole
    if wide:
        return to_8_bits(values.astype(np.uint16))
    out = np.empty(values.shape, np.uint8)
    for top in strips:
        strip = values[top : top + _STRIP].astype(np.float64)
        strip = 255 * (strip - low) / max(high - low, 1e-12)
        out[top : top + _STRIP] = strip.astype(np.uint8)
    return out
