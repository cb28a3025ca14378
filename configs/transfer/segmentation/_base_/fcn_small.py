# An FCN for backbones of a few MFLOPs: stride 8, narrow heads. All batch norms are
# trained, and so is the whole backbone; the same for any start.
_base_ = "mmseg::_base_/models/fcn_r50-d8.py"
custom_imports = dict(imports=["mmtaskssl"])

norm_cfg = dict(type="BN", requires_grad=True)
model = dict(
    pretrained=None,
    backbone=dict(
        _delete_=True,
        type="mmtaskssl.SubnetResNet",
        subnet="s32-w32.64.128.256-d1.1.1.1",
        arch=dict(kind="resnet", block="basic", stem_kernel=7),
        zero_init_residual=False,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        contract_dilation=True,
        out_indices=(0, 1, 2, 3),
    ),
    decode_head=dict(
        in_channels=256, channels=64, num_convs=1, concat_input=False, norm_cfg=norm_cfg
    ),
    auxiliary_head=dict(in_channels=128, channels=32, norm_cfg=norm_cfg),
)
