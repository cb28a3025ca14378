# FGVC-Aircraft (Maji et al., arXiv 1306.5151): 100 variants; official 3,334 training,
# 3,333 validation and 3,333 test images. Mean per class. data/fgvc-aircraft-2013b:
# fgvc-aircraft-2013b.tar.gz.
_base_ = "./public.py"

model = dict(head=dict(num_classes=100))
train_dataloader = dict(dataset=dict(name="aircraft"))
val_dataloader = dict(dataset=dict(name="aircraft"))
test_dataloader = dict(dataset=dict(name="aircraft"))
val_evaluator = dict(metric="mean_per_class")
test_evaluator = dict(metric="mean_per_class")
