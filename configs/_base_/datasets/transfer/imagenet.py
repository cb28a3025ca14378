# ImageNet-1k (ILSVRC 2012): 1,000 classes; 1.28 million training images, a hundredth
# of them to validate, and the 50,000 official validation images to test. Top-1.
# data/imagenet/train/CLASS/IMAGE and data/imagenet/val/CLASS/IMAGE.
_base_ = "./public.py"

model = dict(head=dict(num_classes=1000))
train_dataloader = dict(dataset=dict(name="imagenet"))
val_dataloader = dict(dataset=dict(name="imagenet"))
test_dataloader = dict(dataset=dict(name="imagenet"))
val_evaluator = dict(metric="top1")
test_evaluator = dict(metric="top1")
