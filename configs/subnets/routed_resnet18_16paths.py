r"""16 paths in a half-wide ResNet-18, for small runs (our choice, in no paper).

Half of the inner channels are shared, two groups have a quarter each.

python tools/get_flops.py configs/subnets/routed_resnet18_16paths.py --list --shape 64
"""

space = dict(preset="routed_resnet", depth=18, style="compact", groups=2, base_width=32)
