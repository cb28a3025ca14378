"""Which part of a target each loader of a config reads."""

from typing import Any

from mmengine.config import Config


def loaders_of(cfg: Config) -> list[tuple[str, Any]]:
    """Returns "train" or "test" beside each loader; validation reads the test part."""
    return [
        ("train", cfg.train_dataloader),
        ("test", cfg.val_dataloader),
        ("test", cfg.test_dataloader),
    ]
