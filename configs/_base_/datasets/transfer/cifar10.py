# CIFAR-10 (Krizhevsky, 2009): 10 classes at 32 px; official 50,000 training images, a
# tenth of them to validate, and 10,000 test images. Top-1. data/cifar-10-batches-py:
# cifar-10-python.tar.gz.
_base_ = "./public.py"

model = dict(head=dict(num_classes=10))
train_dataloader = dict(dataset=dict(name="cifar10"))
val_dataloader = dict(dataset=dict(name="cifar10"))
test_dataloader = dict(dataset=dict(name="cifar10"))
val_evaluator = dict(metric="top1")
test_evaluator = dict(metric="top1")
