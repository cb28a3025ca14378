# default_runtime.py for schedules counted in iterations.
_base_ = "./default_runtime.py"

default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=2000),
    # Curves of validation metrics over iterations.
    logger=dict(log_metric_by_epoch=False),
)
log_processor = dict(by_epoch=False)
