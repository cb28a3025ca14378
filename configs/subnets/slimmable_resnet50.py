r"""ResNet-50 at the widths 1, 0.75, 0.5 and 0.25 (DSPNet, arXiv 2207.06075).

At 224 px: 4.09, 2.32, 1.05 and 0.28 GMACs; 23.51, 13.23, 5.89 and 1.48 M parameters.
The anchors are `1`, `0.75`, `0.5` and `0.25`.

python tools/get_flops.py configs/subnets/slimmable_resnet50.py
"""

space = dict(preset="slimmable_resnet", depth=50, widths=[1.0, 0.75, 0.5, 0.25])
