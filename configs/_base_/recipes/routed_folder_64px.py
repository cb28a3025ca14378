# 16 paths in a ResNet-18 at 64 px, on any folder of images and its clusters.
_base_ = [
    "../datasets/clustered_folder.py",
    "../schedules/sgd_coslr-20k.py",
    "../iter_runtime.py",
]

default_hooks = dict(
    phase=dict(type="ProgressivePhaseHook"),
    # Every path.
    monitor=dict(
        type="CollapseMonitorHook",
        interval=1000,
        subnets=["MAX"]
        + [
            f"s64-w64.128.256.512-d2.2.2.2-p{a}.{b}.{c}.{d}"
            for a in (0, 1)
            for b in (0, 1)
            for c in (0, 1)
            for d in (0, 1)
        ],
    ),
)
