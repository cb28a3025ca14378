r"""Few-shot fine-tuning of any export: five images a class, 40 px.

Which ones, `train_dataloader.dataset.seed` says: report the mean over several. All of
it is our choice, for one CPU core. For few shots on frozen features there is
tools/eval_linear.py --shots 5 --seeds 10.

python tools/train.py \
    transfer/classification/few-shot_resnet10-w32_1xb32-coslr-200i_folder-40px.py \
    --cfg-options backbone=EXPORT_DIR target=/my/folder
"""

_base_ = "../../_base_/recipes/classify_cpu_40px.py"

max_iters = 200

train_dataloader = dict(batch_size=32, dataset=dict(shots=5, seed=0))
auto_scale_lr = dict(base_batch_size=32)
train_cfg = dict(max_iters=max_iters, val_interval=100)
