# cpu_40px.py for distillation: the images are kept at the 80 px of the teacher's crops.
_base_ = "./cpu_40px.py"

model = dict(
    data_preprocessor=dict(view_size=40, augment=dict(blur=0.0)),
    distill=dict(
        teacher=dict(view_size=80),
        losses=[dict(type="CosineRegression"), dict(type="SimilarityMatching")],
    ),
)
train_dataloader = dict(dataset=dict(store_size=96))
