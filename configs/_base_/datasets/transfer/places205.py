# Places205 (Zhou et al., NeurIPS 2014): 205 scenes; 2.4 million training images, a
# hundredth of them to validate, and the 20,500 official validation images to test.
# Top-1. data/Places205: trainvalsplit_places205.tar.gz and
# imagesPlaces205_resize.tar.gz.
_base_ = "./public.py"

model = dict(head=dict(num_classes=205))
train_dataloader = dict(dataset=dict(name="places205"))
val_dataloader = dict(dataset=dict(name="places205"))
test_dataloader = dict(dataset=dict(name="places205"))
val_evaluator = dict(metric="top1")
test_evaluator = dict(metric="top1")
