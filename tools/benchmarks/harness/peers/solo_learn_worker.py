"""solo-learn's methods, data and transforms under Lightning, in turns.

Its package holds no command: this is what its ``main_pretrain.py`` does without labels.
"""

import pytorch_lightning as pl
import torch
from lightning_turns import in_turns
from solo.methods import METHODS
from solo.utils.pretrain_dataloader import (
    prepare_dataloader,
    prepare_datasets,
    prepare_n_crop_transform,
    prepare_transform,
)
from turns import read_task

#: Projections as wide as in the trainings of the same method that it is compared with.
HEADS = {
    "simclr": {"proj_hidden_dim": 2048, "proj_output_dim": 128, "temperature": 0.1},
    "simsiam": {
        "proj_hidden_dim": 1024,
        "proj_output_dim": 1024,
        "pred_hidden_dim": 256,
    },
}


def build_model(task: dict) -> pl.LightningModule:
    return METHODS[task["method"]](
        encoder="resnet18",
        num_classes=2,
        backbone_args={"cifar": False, "zero_init_residual": False},
        max_epochs=1000,
        batch_size=task["batch"],
        optimizer="sgd",
        lars=False,
        lr=0.03,
        weight_decay=5e-4,
        classifier_lr=0.03,
        exclude_bias_n_norm=False,
        accumulate_grad_batches=1,
        extra_optimizer_args={"momentum": 0.9},
        scheduler="warmup_cosine",
        min_lr=0.0,
        warmup_start_lr=0.003,
        warmup_epochs=10,
        num_large_crops=2,
        num_small_crops=0,
        **HEADS[task["method"]],
    )


def build_loader(task: dict):
    transform = prepare_transform(
        "custom",
        brightness=0.4,
        contrast=0.4,
        saturation=0.4,
        hue=0.1,
        min_scale=0.2,
        crop_size=task["size"],
    )
    data = prepare_datasets(
        "custom",
        prepare_n_crop_transform([transform], num_crops_per_aug=[2]),
        data_dir=task["images"],
        train_dir=".",
        no_labels=True,
    )
    return prepare_dataloader(data, batch_size=task["batch"], num_workers=0)


def main() -> None:
    task = read_task()
    torch.set_num_threads(task["threads"])
    in_turns("solo-learn", lambda module: module.encoder)
    pl.seed_everything(0)
    trainer = pl.Trainer(
        max_epochs=1000,
        default_root_dir=task["work"],
        num_sanity_val_steps=0,
        log_every_n_steps=50,
    )
    trainer.fit(build_model(task), build_loader(task))


main()
