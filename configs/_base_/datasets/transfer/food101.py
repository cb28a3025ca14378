# Food-101 (Bossard et al., ECCV 2014): 101 dishes; official 75,750 training images, a
# tenth of them to validate, and 25,250 test images. Top-1. data/food-101:
# food-101.tar.gz.
_base_ = "./public.py"

model = dict(head=dict(num_classes=101))
train_dataloader = dict(dataset=dict(name="food101"))
val_dataloader = dict(dataset=dict(name="food101"))
test_dataloader = dict(dataset=dict(name="food101"))
val_evaluator = dict(metric="top1")
test_evaluator = dict(metric="top1")
