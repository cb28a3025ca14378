r"""ResNet-18 at the widths 1, 0.75, 0.5 and 0.25 (DSPNet, arXiv 2207.06075).

For images of about 32 px add `stem_kernel=3`.

python tools/get_flops.py configs/subnets/slimmable_resnet18.py
"""

space = dict(preset="slimmable_resnet", depth=18, widths=[1.0, 0.75, 0.5, 0.25])
