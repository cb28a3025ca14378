# Describable Textures (Cimpoi et al., CVPR 2014): 47 classes, the first of ten
# official splits, 1,880 images each to train, validate and test. Top-1. data/dtd/dtd:
# dtd-r1.0.1.tar.gz, unpacked in data/dtd.
_base_ = "./public.py"

model = dict(head=dict(num_classes=47))
train_dataloader = dict(dataset=dict(name="dtd"))
val_dataloader = dict(dataset=dict(name="dtd"))
test_dataloader = dict(dataset=dict(name="dtd"))
val_evaluator = dict(metric="top1")
test_evaluator = dict(metric="top1")
