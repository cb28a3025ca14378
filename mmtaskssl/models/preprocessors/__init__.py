from .labeled_view import LabeledViewPreprocessor
from .recipes import RECIPES, ViewRecipe, build_recipes
from .two_view import TwoViewPreprocessor

__all__ = [
    "RECIPES",
    "LabeledViewPreprocessor",
    "TwoViewPreprocessor",
    "ViewRecipe",
    "build_recipes",
]
