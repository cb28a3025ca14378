r"""ResNet-34 at the widths 1, 0.75, 0.5 and 0.25 (DSPNet, arXiv 2207.06075).

python tools/get_flops.py configs/subnets/slimmable_resnet34.py
"""

space = dict(preset="slimmable_resnet", depth=34, widths=[1.0, 0.75, 0.5, 0.25])
