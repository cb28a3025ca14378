"""Whether there is a GPU, asked once, while a server of `apart` imports.

After that the answer cannot be had: a fork of a process that asked sees none.
"""

import torch

CUDA_SEEN = torch.cuda.is_available()
