r"""DATA's MoCo v2 supernet, full: 85,293 bottleneck ResNets on ImageNet, 200 epochs.

Chang et al., DATA, CVPR 2022 (https://arxiv.org/abs/2203.09041).
The paper's: 200 epochs, batch 1,024 on 16 GPUs, rate 0.12.
Its public code's: the space, from 1.7 to 15.5 GMACs; MAX, MIN and one random net a
step, the same in all processes, gradients summed; SGD with momentum 0.9 and decay 1e-4,
cosine decay; keys by MAX, momentum 0.999, temperature 0.2, a queue of 65,536, a
projection of 2,560-2,048-128, shuffled batch norm; each residual branch starts at zero.
Ours: keys, average and queue once a step, where the code does them once a sub-net; that
saves about a quarter of a step's MACs and is another method: the code's average moves
with 0.997 a step, and its queries meet their own keys among the negatives.
`model.per_subnet_keys=True` reproduces the code. Not measured here.

NNODES=2 NODE_RANK=... MASTER_ADDR=... tools/dist_train.sh \
    configs/data/supernet-mocov2_dynamic-resnet_16xb64-coslr-200e_in1k.py 8

Hardware: 16 GPUs; about 7.7 GiB a GPU (computed, not measured). bfloat16 and
channels-last are not yet measured on a GPU.
"""

_base_ = [
    "../_base_/models/supernet_mocov2.py",
    "../_base_/datasets/imagenet.py",
    "../_base_/schedules/sgd_coslr-200e.py",
    "../_base_/gpu_runtime.py",
]

train_dataloader = dict(batch_size=64)
optim_wrapper = dict(optimizer=dict(lr=0.12))
auto_scale_lr = dict(base_batch_size=1024)

# Behind a neck without batch norm embeddings begin close together, and first approach.
default_hooks = dict(
    collapse=dict(type="CollapseMonitorHook", interval=1000, begin=5000),
    # The published queue, whatever the number of images.
    queue=dict(keep=True),
)
