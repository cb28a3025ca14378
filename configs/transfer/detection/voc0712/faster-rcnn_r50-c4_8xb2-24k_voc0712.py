r"""Faster R-CNN R50-C4 on VOC07+12 for 24k iterations, MoCo's protocol.

He et al., Momentum Contrast, CVPR 2020 (https://arxiv.org/abs/1911.05722), section 4.2
and appendix: all layers are fine-tuned, batch norm is trained and synchronised over
GPUs, and one more norm follows the stage that the regions run through. 16 images a
step, short side 480 to 800 in training and 800 in test, learning rate 0.02, a tenth of
it after 18k and 22k iterations, 100 iterations of warm-up. VOC07 test, 11 points; AP is
the mean over IoU 0.5 to 0.95.
Known differences: mmdet leaves difficult objects out of training, detectron2 does not.
Known public results of this benchmark (AP50 / AP / AP75): supervised 81.3 / 53.5 /
58.8, MoCo v2 82.3 / 57.0 / 63.3, BYOL 81.4 / 55.3 / 61.1, SimSiam 82.0 / 56.4 / 62.8;
its noise is about 0.2 / 0.2 / 0.4.

bash tools/dist_train.sh \
    configs/transfer/detection/voc0712/faster-rcnn_r50-c4_8xb2-24k_voc0712.py 8 \
    --cfg-options data_root=/data/VOCdevkit/ backbone=EXPORT_DIR

Hardware: 8 GPUs. Without backbone=... the ResNet-50 starts untrained.
"""

_base_ = ["mmdet::pascal_voc/faster-rcnn_r50-caffe-c4_ms-18k_voc0712.py"]
custom_imports = dict(imports=["mmtaskssl"])

norm_cfg = dict(type="SyncBN", requires_grad=True)
resnet50 = dict(
    type="mmtaskssl.SubnetResNet",
    subnet="s64-w64.128.256.512-d3.4.6.3",
    norm_cfg=norm_cfg,
    zero_init_residual=False,
)
max_iters = 24000

model = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
    ),
    backbone=dict(_delete_=True, **resnet50, num_stages=3, out_indices=(2,)),
    roi_head=dict(
        shared_head=dict(
            _delete_=True,
            type="mmtaskssl.LastStage",
            network=resnet50,
            extra_norm=norm_cfg,
        )
    ),
)
train_cfg = dict(max_iters=max_iters, val_interval=6000)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=100),
    dict(
        type="MultiStepLR",
        begin=0,
        end=max_iters,
        by_epoch=False,
        milestones=[18000, 22000],
        gamma=0.1,
    ),
]
val_evaluator = dict(iou_thrs=[0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(interval=6000, max_keep_ckpts=2))
auto_scale_lr = dict(enable=False, base_batch_size=16)
