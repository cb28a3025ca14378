# cpu_40px.py for distillation: the images are kept at the 80 px of the teacher's crops
# and a fifth more.
_base_ = "./cpu_40px.py"

train_dataloader = dict(dataset=dict(store_size=96))
