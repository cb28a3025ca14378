r"""SDR on SimSiam, full, export: 256 paths, each the shape of a plain ResNet-50.

Liu et al., SDR, AAAI 2022 (https://arxiv.org/abs/2205.13267).
All but the widths is routed-simsiam_resnet50-256paths_8xb32-coslr-500k_in1k's: half of
a path's inner channels are shared, the other half is its group's, so that each path is
ResNet-50 (23.5 M parameters, 4.09 GMACs) and MAX has 97.0 M and 16.4. Ours; it costs
about four times the compact one.

tools/dist_train.sh \
    configs/sdr/routed-simsiam_resnet50-256paths-export_8xb32-coslr-500k_in1k.py 8

Hardware: 8 GPUs; about 3.1 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.
"""

_base_ = "./routed-simsiam_resnet50-256paths_8xb32-coslr-500k_in1k.py"

model = dict(backbone=dict(style="export", with_cp=True))

default_hooks = dict(
    monitor=dict(
        subnets=["MAX"]
        + [f"s64-w160.320.640.1280-d3.4.6.3-p{g}.{g}.{g}.{g}" for g in range(4)],
    )
)
