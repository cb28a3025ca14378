# SUN397 (Xiao et al., CVPR 2010): 397 scenes, the first of ten official splits:
# 19,850 training images, a fifth of them to validate, and 19,850 test images. Top-1.
# data/SUN397: SUN397.tar.gz, and in that folder Partitions.zip.
_base_ = "./public.py"

model = dict(head=dict(num_classes=397))
train_dataloader = dict(dataset=dict(name="sun397"))
val_dataloader = dict(dataset=dict(name="sun397"))
test_dataloader = dict(dataset=dict(name="sun397"))
val_evaluator = dict(metric="top1")
test_evaluator = dict(metric="top1")
