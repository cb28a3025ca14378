from .recipes import RECIPES, ViewRecipe, build_recipes
from .two_view import TwoViewPreprocessor

__all__ = ["RECIPES", "TwoViewPreprocessor", "ViewRecipe", "build_recipes"]
