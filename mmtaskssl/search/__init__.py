"""Label-free search for the sub-net that suits a target (DATA, CVPR 2022)."""
