# Oxford-IIIT Pets (Parkhi et al., CVPR 2012): 37 breeds; official 3,680 training
# images, a fifth of them to validate, and 3,669 test images. Mean per class.
# data/oxford-iiit-pet: images.tar.gz and annotations.tar.gz.
_base_ = "./public.py"

model = dict(head=dict(num_classes=37))
train_dataloader = dict(dataset=dict(name="pets"))
val_dataloader = dict(dataset=dict(name="pets"))
test_dataloader = dict(dataset=dict(name="pets"))
val_evaluator = dict(metric="mean_per_class")
test_evaluator = dict(metric="mean_per_class")
