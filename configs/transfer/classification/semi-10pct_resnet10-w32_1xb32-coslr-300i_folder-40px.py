r"""Semi-supervised fine-tuning of any export: 10 % of each class's labels, 40 px.

Which images, `train_dataloader.dataset.seed` says: report the mean over several. A
class has one image at least. All of it is our choice, for one CPU core.

python tools/train.py \
    transfer/classification/semi-10pct_resnet10-w32_1xb32-coslr-300i_folder-40px.py \
    --cfg-options backbone=EXPORT_DIR target=/my/folder
"""

_base_ = "../../_base_/recipes/classify_cpu_40px.py"

max_iters = 300

train_dataloader = dict(batch_size=32, dataset=dict(fraction=0.1, seed=0))
auto_scale_lr = dict(base_batch_size=32)
train_cfg = dict(max_iters=max_iters, val_interval=100)
