r"""The 85,293 bottleneck ResNets of DATA (Chang et al., CVPR 2022).

Choices from the authors' code: 3 stems x 3^4 widths x (3 x 3 x 13 x 3) depths.
Anchors at 224 px: MIN 1.67 GMACs / 9.7 M parameters, R50 4.09 / 23.5 (its third depth
is off the grid), R77 6.05 / 33.6, R101 7.80 / 42.5, MAX 15.51 / 84.8.

python tools/get_flops.py configs/subnets/data_bottleneck.py --space-summary
"""

space = dict(preset="data_bottleneck")
