# LeJEPA at several widths: ResNet-50, batch norms of their own for each width.
_base_ = "./slimmable_resnet.py"

model = dict(
    type="SlimmableJointEmbedding",
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="mocov2", view_size=224),
    neck=dict(in_channels=2048, hid_channels=2048, out_channels=128, num_layers=3),
    head=dict(type="SIGRegHead", weight=0.05),
)
