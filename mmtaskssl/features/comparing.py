"""Whether features of two stores may be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..utils.families import FeaturesMismatch

if TYPE_CHECKING:
    from .store import FeatureStore


def check_same_extractor(a: FeatureStore, b: FeatureStore) -> None:
    """Checks that features of two stores may be compared.

    Raises:
        UserError: They differ in dim, extractor or image transform.
    """
    if a.dim != b.dim:
        raise FeaturesMismatch(
            f"{a.path} has features of dim {a.dim} and {b.path} of dim {b.dim}: "
            "extract both with the same network"
        )
    for key in ("extractor", "transform"):
        left, right = a.manifest[key], b.manifest[key]
        if left != right:
            raise FeaturesMismatch(
                f"{a.path} and {b.path} were extracted with another {key} "
                f"({_difference(left, right)}): extract both with the same"
            )


def _difference(left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    for key in sorted({*left, *right}):
        if left.get(key) != right.get(key):
            return f"{key}: {left.get(key)} and {right.get(key)}"
    return ""
