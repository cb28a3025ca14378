"""How a config is read, its variables spread, and an export put in for a backbone."""

from .export_info import ExportInfo
from .host_objectives import first_side
from .load import default_work_dir, load_config
from .use_export import use_export

__all__ = ["ExportInfo", "default_work_dir", "first_side", "load_config", "use_export"]
