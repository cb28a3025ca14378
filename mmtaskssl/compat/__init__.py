"""The doors through nine known walls of the OpenMMLab stack.

Each is a finder on `sys.meta_path` that wakes up when its module is imported, so
opening them costs nothing, imports nothing and needs none of the packages they
mend. Each is idle where its wall is absent.
"""

from . import (
    extra_norm,
    mmcv_bound,
    mmcv_ext,
    mmcv_hue,
    mmengine_log,
    mmengine_names,
    mmselfsup_hog,
    mmselfsup_runner,
    mmselfsup_swav,
)


def install() -> None:
    """Opens every door that this environment needs; silent when none is.

    May be called more than once.
    """
    mmcv_ext.install()
    mmcv_bound.install()
    mmselfsup_runner.install()
    extra_norm.install()
    mmengine_names.install()
    mmengine_log.install()
    mmcv_hue.install()
    mmselfsup_swav.install()
    mmselfsup_hog.install()
