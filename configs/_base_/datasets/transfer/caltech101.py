# Caltech-101 (Fei-Fei et al., 2004): 101 classes and the background; 30 drawn images
# of each class to train (25) and validate (5), the other 6,084 to test. Mean per
# class. data/caltech101/101_ObjectCategories: 101_ObjectCategories.tar.gz, which is
# in caltech-101.zip.
_base_ = "./public.py"

model = dict(head=dict(num_classes=102))
train_dataloader = dict(dataset=dict(name="caltech101"))
val_dataloader = dict(dataset=dict(name="caltech101"))
test_dataloader = dict(dataset=dict(name="caltech101"))
val_evaluator = dict(metric="mean_per_class")
test_evaluator = dict(metric="mean_per_class")
