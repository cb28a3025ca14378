"""SimSiam, full: ResNet-50 at 224 px on ImageNet, 100 epochs.

Chen and He, Exploring Simple Siamese Representation Learning, CVPR 2021
(https://arxiv.org/abs/2011.10566). All of it is the paper's: batch 256, SGD with rate
0.05 and cosine decay, but a constant rate for the predictor, decay 1e-4, batch norm
over all processes.
The paper reports 68.1 % top-1 for a linear classifier; not measured here.

tools/dist_train.sh configs/selfsup/simsiam/simsiam_resnet50_8xb32-coslr-100e_in1k.py 8

Hardware: 8 GPUs; about 3.2 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU. On fewer, `--auto-scale-lr` or
`train_dataloader.batch_size`.
"""

_base_ = [
    "../../_base_/models/simsiam.py",
    "../../_base_/datasets/imagenet.py",
    "../../_base_/schedules/sgd_coslr-200e.py",
    "../../_base_/gpu_runtime.py",
]

sync_bn = "torch"

# The predictor's rate does not decay (section 4.1 of the paper).
optim_wrapper = dict(
    optimizer=dict(lr=0.05),
    paramwise_cfg=dict(custom_keys={"predictor": dict(fix_lr=True)}),
)
default_hooks = dict(fixed_lr=dict(type="FixedLrHook"))
train_cfg = dict(max_epochs=100)
