"""LeJEPA, full: ResNet-50 at 224 px on ImageNet, 100 epochs. Not run.

Balestriero and LeCun, LeJEPA, 2025 (https://arxiv.org/abs/2511.08544). Known from the
paper: the objective, one weight of 0.05, two whole and six local views, AdamW. Ours:
a ResNet-50, rate and decay. The paper's numbers are of other networks.

tools/dist_train.sh configs/selfsup/lejepa/lejepa_resnet50_8xb64-coslr-100e_in1k.py 8

Hardware: 8 GPUs; about 8.8 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU. On fewer, `--auto-scale-lr` or
`train_dataloader.batch_size`.
"""

_base_ = [
    "../../_base_/models/lejepa.py",
    "../../_base_/datasets/imagenet.py",
    "../../_base_/schedules/sgd_coslr-200e.py",
    "../../_base_/gpu_runtime.py",
]

sync_bn = "torch"

train_dataloader = dict(batch_size=64)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=1e-3, weight_decay=5e-2),
)
auto_scale_lr = dict(base_batch_size=512)
train_cfg = dict(max_epochs=100)
