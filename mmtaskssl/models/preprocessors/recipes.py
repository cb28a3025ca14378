"""What the published recipes do to each of the two views of an image."""

from dataclasses import dataclass, fields, replace
from typing import Any

from mmtaskssl.utils.families import BadConfigValue


@dataclass(frozen=True)
class ViewRecipe:
    """Distribution of one view's augmentation, in torchvision's terms.

    Attributes:
        crop_scale: Range of the crop's share of the image area.
        crop_ratio: Range of the crop's width / height (log-uniform).
        interpolation: "bilinear" or "bicubic", both antialiased.
        flip: Probability of a horizontal flip.
        jitter: Probability of colour jitter.
        brightness: Factors are drawn from 1 - b .. 1 + b.
        contrast: As brightness.
        saturation: As brightness.
        hue: Shifts are drawn from -h .. h turns.
        grey: Probability of dropping the colours.
        blur: Probability of Gaussian blur.
        blur_sigma: Range of its standard deviation in pixels of the view.
        solarise: Probability of inverting all values of 128 and above.
    """

    crop_scale: tuple[float, float] = (0.2, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    interpolation: str = "bilinear"
    flip: float = 0.5
    jitter: float = 0.8
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    grey: float = 0.2
    blur: float = 0.5
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    solarise: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "jitter", "grey", "blur", "solarise"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadConfigValue(f"augmentation {name!r} is a probability in 0..1")
        for name in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadConfigValue(f"augmentation {name!r} must be in 0..1")
        if not 0 <= self.hue <= 0.5:
            raise BadConfigValue("augmentation 'hue' must be in 0..0.5 turns")
        for name in ("crop_scale", "crop_ratio", "blur_sigma"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise BadConfigValue(
                    f"augmentation {name!r} must be a range 0 < low <= high"
                )
        if self.interpolation not in ("bilinear", "bicubic"):
            raise BadConfigValue("augmentation 'interpolation' is bilinear or bicubic")


_MOCOV2 = ViewRecipe()
_BYOL = ViewRecipe(
    crop_scale=(0.08, 1.0), interpolation="bicubic", saturation=0.2, blur=1.0
)

#: The two views of each recipe. MoCo v2: arXiv 2003.04297 and its public code.
#: SimSiam: arXiv 2011.10566, appendix A, the same as MoCo v2's. BYOL: arXiv
#: 2006.07733, appendix B, table 6: the views differ in blur and solarisation.
RECIPES: dict[str, tuple[ViewRecipe, ViewRecipe]] = {
    "mocov2": (_MOCOV2, _MOCOV2),
    "simsiam": (_MOCOV2, _MOCOV2),
    "byol": (_BYOL, replace(_BYOL, blur=0.1, solarise=0.2)),
}


def build_recipes(
    preset: str, changes: dict[str, Any] | list[dict[str, Any]] | None = None
) -> tuple[ViewRecipe, ViewRecipe]:
    """Returns the two views' recipes of a preset, with changed fields.

    Args:
        preset: A key of `RECIPES`.
        changes: Fields of `ViewRecipe` to replace: one dict for both views, or a
            list of two.

    Raises:
        UserError: Unknown preset or field, or a value out of range.
    """
    if preset not in RECIPES:
        raise BadConfigValue(
            f"no augmentation preset {preset!r}, only {sorted(RECIPES)}"
        )
    if changes is None or isinstance(changes, dict):
        changes = [changes or {}] * 2
    if len(changes) != 2:
        raise BadConfigValue(
            "augmentation changes: one dict, or one for each of two views"
        )
    first, second = RECIPES[preset]
    return change_recipe(first, changes[0]), change_recipe(second, changes[1])


def change_recipe(recipe: ViewRecipe, changes: dict[str, Any]) -> ViewRecipe:
    """Returns a recipe with some fields changed.

    Args:
        recipe: Is left as it is.
        changes: Fields and their values.

    Raises:
        UserError: Unknown field, or a value out of range.
    """
    known = {field.name for field in fields(ViewRecipe)}
    if unknown := sorted(set(changes) - known):
        raise BadConfigValue(f"no augmentation {unknown}, only {sorted(known)}")
    return replace(recipe, **changes)
