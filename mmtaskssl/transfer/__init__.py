"""Exported backbones in classifiers, detectors and segmentors."""

from .export_info import ExportInfo
from .export_init import ExportInit
from .use_export import use_export

__all__ = ["ExportInfo", "ExportInit", "use_export"]
