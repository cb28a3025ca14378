# One view of each image; the teacher sees the same crop in its own resolution. Whatever
# `teacher` names, see mmtaskssl/networks/teacher.py; with a feature store's folder
# nothing of the teacher runs.
teacher = "timm:tf_efficientnet_lite0"

model = dict(
    type="Distill",
    data_preprocessor=dict(
        type="TwoViewPreprocessor", preset="mocov2", view_size=224, views=1
    ),
    backbone=dict(
        type="mmselfsup.ResNet",
        depth=50,
        out_indices=[4],  # the last stage, in mmselfsup's counting
        norm_cfg=dict(type="BN"),
    ),
    distill=dict(
        teacher=dict(type="NetworkTeacher", network=teacher),
        losses=[dict(type="CosineRegression"), dict(type="SimilarityMatching")],
        norm="centre",
        head=dict(in_channels=2048),
    ),
)
