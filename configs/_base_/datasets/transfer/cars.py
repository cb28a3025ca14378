# Stanford Cars (Krause et al., 2013): 196 models; official 8,144 training images, a
# fifth of them to validate, and 8,041 test images. Top-1. data/stanford_cars:
# cars_train.tgz, cars_test.tgz, car_devkit.tgz and cars_test_annos_withlabels.mat.
_base_ = "./public.py"

model = dict(head=dict(num_classes=196))
train_dataloader = dict(dataset=dict(name="cars"))
val_dataloader = dict(dataset=dict(name="cars"))
test_dataloader = dict(dataset=dict(name="cars"))
val_evaluator = dict(metric="top1")
test_evaluator = dict(metric="top1")
