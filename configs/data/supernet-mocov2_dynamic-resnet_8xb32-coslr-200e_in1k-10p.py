r"""DATA's MoCo v2 supernet on a tenth of ImageNet: the recipe of its public code.

Chang et al., DATA, CVPR 2022 (https://arxiv.org/abs/2203.09041).
The public code's: a list of 10 % of ImageNet's images, batch 256, SGD with rate 0.03,
momentum 0.9 and decay 1e-4, cosine decay; everything else as in the full setting
(`supernet-mocov2_dynamic-resnet_16xb64-coslr-200e_in1k.py`).
Ours: keys, average and queue once a step (`model.per_subnet_keys=True` reproduces the
code); the number of epochs, taken over from the full setting; the list itself, one
image a line, is to be brought. Not measured here.

tools/dist_train.sh \
    configs/data/supernet-mocov2_dynamic-resnet_8xb32-coslr-200e_in1k-10p.py 8 \
    --cfg-options images=/my/list.txt train_dataloader.dataset.root=/imagenet/train

Hardware: 8 GPUs; about 4.6 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU. On fewer, `--auto-scale-lr` or
`train_dataloader.batch_size`.
"""

_base_ = [
    "../_base_/models/supernet_mocov2.py",
    "../_base_/datasets/imagenet.py",
    "../_base_/schedules/sgd_coslr-200e.py",
    "../_base_/gpu_runtime.py",
]

train_dataloader = dict(
    dataset=dict(source="data/imagenet/train_10p.txt", root="data/imagenet/train")
)

# Behind a neck without batch norm embeddings begin close together, and first approach.
default_hooks = dict(
    collapse=dict(type="CollapseMonitorHook", interval=1000, begin=5000),
    # The published queue, whatever the number of images.
    queue=dict(keep=True),
)
