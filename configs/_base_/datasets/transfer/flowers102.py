# Oxford Flowers-102 (Nilsback and Zisserman, 2008): 102 classes; official 1,020
# training, 1,020 validation and 6,149 test images. Mean per class. data/flowers-102:
# 102flowers.tgz (folder jpg), imagelabels.mat and setid.mat.
_base_ = "./public.py"

model = dict(head=dict(num_classes=102))
train_dataloader = dict(dataset=dict(name="flowers102"))
val_dataloader = dict(dataset=dict(name="flowers102"))
test_dataloader = dict(dataset=dict(name="flowers102"))
val_evaluator = dict(metric="mean_per_class")
test_evaluator = dict(metric="mean_per_class")
