r"""256 paths, each the shape of a plain ResNet-50 (SDR, arXiv 2205.13267).

Half of a path's inner channels are shared, half are its group's; the split is our
choice. At 224 px a path has 4.09 GMACs / 23.5 M parameters, all groups together (MAX)
16.4 / 97.0. `groups=2` makes 16 paths.

python tools/get_flops.py configs/subnets/routed_resnet50_export.py --subnet MAX \
    s64-w160.320.640.1280-d3.4.6.3-p0.3.1.2
"""

space = dict(preset="routed_resnet", depth=50, style="export", groups=4)
