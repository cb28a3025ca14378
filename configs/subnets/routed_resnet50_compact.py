r"""256 paths in a plain ResNet-50 (SDR, arXiv 2205.13267; the split is our choice).

Half of the inner channels are shared, four groups have an eighth each. All groups
together (MAX) are ResNet-50, 4.09 GMACs / 23.5 M parameters at 224 px; a path has
2.30 / 13.1. `groups=2` makes 16 paths.

python tools/get_flops.py configs/subnets/routed_resnet50_compact.py --subnet MAX \
    s64-w64.128.256.512-d3.4.6.3-p0.3.1.2
"""

space = dict(preset="routed_resnet", depth=50, style="compact", groups=4)
