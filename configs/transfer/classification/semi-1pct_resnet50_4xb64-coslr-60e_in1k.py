r"""Semi-supervised fine-tuning on ImageNet, 1 % of the labels, SimCLR's protocol.

Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, 2020
(https://arxiv.org/abs/2002.05709), appendix B.5: Nesterov momentum, a learning rate of
0.05 x batch / 256 without warm-up, no weight decay, crops and flips only, 60 epochs.
Ours: batch 256 instead of 4,096, and the cosine schedule.

The images are those of SimCLR's list, 1percent.txt from its public repository (file
names of the training images, one a line), at data/imagenet/1percent.txt. Without the
list `train_dataloader.dataset.keep=None train_dataloader.dataset.fraction=0.01`
draws as many of each class.

bash tools/dist_train.sh \
    configs/transfer/classification/semi-1pct_resnet50_4xb64-coslr-60e_in1k.py 4 \
    --cfg-options backbone=EXPORT_DIR

Hardware: 4 GPUs; about 3.0 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.
"""

_base_ = "./semi-10pct_resnet50_4xb64-coslr-30e_in1k.py"

train_dataloader = dict(dataset=dict(keep="data/imagenet/1percent.txt"))
train_cfg = dict(max_epochs=60)
