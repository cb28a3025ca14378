# CIFAR-100 (Krizhevsky, 2009): 100 fine classes at 32 px; official 50,000 training
# images, a tenth of them to validate, and 10,000 test images. Top-1.
# data/cifar-100-python: cifar-100-python.tar.gz.
_base_ = "./public.py"

model = dict(head=dict(num_classes=100))
train_dataloader = dict(dataset=dict(name="cifar100"))
val_dataloader = dict(dataset=dict(name="cifar100"))
test_dataloader = dict(dataset=dict(name="cifar100"))
val_evaluator = dict(metric="top1")
test_evaluator = dict(metric="top1")
