"""Memory banks of the host's algorithms, as long as the data set."""

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmengine.runner import Runner

from .unwrapped import unwrapped


def fit_memory_bank(runner: Runner) -> None:
    """Gives a bank with a feature of each image as many places as there are images.

    NPID's published config (arXiv 1805.01978) has one of ImageNet's length: on fewer
    images nearly all negatives would be random vectors for ever, on more it would end
    in an index error. No more negatives are drawn than there are images.

    Args:
        runner: Whose data is built, and no weights loaded; its model is changed.
    """
    model = unwrapped(runner.model)
    bank = getattr(model, "memory_bank", None)
    images = len(runner.train_dataloader.dataset)
    if not hasattr(bank, "feature_bank") or not hasattr(bank, "multinomial"):
        return
    configured, dim = bank.feature_bank.shape
    if configured == images:
        return
    device = bank.feature_bank.device
    # The same in all processes, whatever they have drawn before.
    features = torch.randn(images, dim, generator=torch.Generator().manual_seed(0))
    bank.feature_bank = F.normalize(features).to(device)
    bank.multinomial = type(bank.multinomial)(torch.ones(images))
    if device.type == "cuda":
        bank.multinomial.cuda()
    text = f"memory bank: {images} places for {images} images (configured: {configured}"
    if getattr(model, "neg_num", 0) > images:
        text += f", and {images} negatives in place of {model.neg_num}"
        model.neg_num = images
    print_log(f"{text})", "current")
