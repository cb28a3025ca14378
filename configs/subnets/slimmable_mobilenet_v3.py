r"""MobileNetV3-Large at the widths 1, 0.75, 0.5 and 0.35 (DSPNet, arXiv 2207.06075).

Channels are rounded down, as in every fixed list of widths; `divisor=8` gives
torchvision's shapes of the same `width_mult`.

python tools/get_flops.py configs/subnets/slimmable_mobilenet_v3.py
"""

space = dict(preset="slimmable_mobilenet_v3", widths=[1.0, 0.75, 0.5, 0.35])
