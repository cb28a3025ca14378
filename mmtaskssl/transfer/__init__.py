"""Trainings and results of the hosts on exported backbones."""

from .export_init import ExportInit

__all__ = ["ExportInit"]
