r"""DATA on LeJEPA, for thousands of steps on one CPU core: basic blocks, 40 px.

Chang et al., DATA, CVPR 2022 (https://arxiv.org/abs/2203.09041), on another objective
than the paper's: Balestriero and LeCun, LeJEPA, 2025
(https://arxiv.org/abs/2511.08544), without queue, averaged network or predictor.
Ours: all but the two ideas. Sub-nets approach MAX's embeddings, and each is kept from
collapsing by the objective itself; no blur and no local views at 40 px.

python tools/train.py \
    configs/data/supernet-lejepa_dynamic-resnet-basic_1xb128-coslr-2k_folder-40px.py \
    --cfg-options images=/my/folder max_iters=2000

Hardware: one CPU core.
"""

_base_ = [
    "../_base_/models/supernet_lejepa.py",
    "../_base_/recipes/cpu_40px.py",
]

model = dict(
    data_preprocessor=dict(
        view_size=40, augment=dict(blur=0.0), local_views=0, local_size=20
    ),
    backbone=dict(space="data_basic", zero_init_residual=False),
    neck=dict(in_channels=320, hid_channels=512, out_channels=64),
)

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=2e-3, weight_decay=1e-2),
)

default_hooks = dict(collapse=dict(type="CollapseMonitorHook", interval=200))
