_base_ = "./supernet_mocov2.py"

model = dict(
    type="SupernetDenseCL",
    loss_lambda=0.5,
    neck=dict(
        _delete_=True,
        type="ElasticDenseCLNeck",
        in_channels=2560,
        hid_channels=2048,
        out_channels=128,
    ),
)
