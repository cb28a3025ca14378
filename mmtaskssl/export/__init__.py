"""Sub-nets as plain networks for other frameworks."""

from .bundle import FORMATS, write_bundle
from .hosts import HOSTS, config_fragment, host_config
from .state_dict import export_state_dict
from .stock import StockShape, stock_shape

__all__ = [
    "FORMATS",
    "HOSTS",
    "StockShape",
    "config_fragment",
    "export_state_dict",
    "host_config",
    "stock_shape",
    "write_bundle",
]
