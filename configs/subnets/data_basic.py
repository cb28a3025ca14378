r"""5,832 basic-block ResNets around a half-wide ResNet-18, for small runs.

Our choice, in no paper. At 64 px: MIN 11 MMACs / 0.7 M parameters, R18 39 / 2.8,
MAX 66 / 4.8. `stem_kernel=3` keeps the resolution of very small images, at 16 times
the cost.

python tools/get_flops.py configs/subnets/data_basic.py --shape 64
"""

space = dict(preset="data_basic")
