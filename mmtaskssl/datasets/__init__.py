from .collate import pack_images
from .hold_out import HoldOutImages
from .images import BrokenImage, list_images, read_image
from .labeled import LabeledImages
from .pipeline_images import PipelineImages
from .public import PublicImages
from .public_sets import AbsentData
from .selected import SelectedImages
from .synthetic import SyntheticImages
from .synthetic_shapes import SyntheticShapes
from .table import TableImages
from .unlabeled import UnlabeledImages
from .with_target import WithTarget

__all__ = [
    "AbsentData",
    "BrokenImage",
    "HoldOutImages",
    "LabeledImages",
    "PipelineImages",
    "PublicImages",
    "SelectedImages",
    "SyntheticImages",
    "SyntheticShapes",
    "TableImages",
    "UnlabeledImages",
    "WithTarget",
    "list_images",
    "pack_images",
    "read_image",
]
