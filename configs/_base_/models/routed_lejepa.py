_base_ = "./routed_resnet50.py"

model = dict(
    type="RoutedJointEmbedding",
    data_preprocessor=dict(type="TwoViewPreprocessor", preset="mocov2", view_size=224),
    neck=dict(
        type="ElasticNonLinearNeck",
        in_channels=2048,
        hid_channels=2048,
        out_channels=128,
        num_layers=3,
    ),
    head=dict(type="SIGRegHead", weight=0.05),
)
