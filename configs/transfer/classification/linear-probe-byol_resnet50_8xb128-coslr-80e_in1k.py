r"""Linear probe on ImageNet, BYOL's protocol.

Grill et al., Bootstrap Your Own Latent, 2020 (https://arxiv.org/abs/2006.07733),
appendix C.1: batch 1,024, Nesterov momentum, 80 epochs, no weight decay, the best of
the learning rates 0.4, 0.3, 0.2, 0.1, 0.05 on 10,009 held-out training images. Ours:
cosine decay, and the rate counted for a batch of 256, so that 0.2 becomes 0.8 here. Run
it for each rate (--cfg-options optim_wrapper.optimizer.lr=...) before the test images
are looked at.

bash tools/dist_train.sh \
    transfer/classification/linear-probe-byol_resnet50_8xb128-coslr-80e_in1k.py \
    8 --cfg-options backbone=EXPORT_DIR

Hardware: 8 GPUs; about 0.8 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.
"""

_base_ = "linear-probe_resnet50_8xb32-steplr-100e_in1k.py"

train_dataloader = dict(batch_size=128)
optim_wrapper = dict(optimizer=dict(lr=0.8, nesterov=True))
auto_scale_lr = dict(base_batch_size=1024)
param_scheduler = [dict(type="CosineAnnealingLR", T_max=80, eta_min=0.0, by_epoch=True)]
train_cfg = dict(max_epochs=80)
