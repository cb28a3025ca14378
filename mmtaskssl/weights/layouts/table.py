"""How checkpoints of each origin are told, and where their backbone is.

Names as the authors' released code writes them, after the prefixes of wrappers.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """A layout of checkpoints.

    Attributes:
        name: For the log.
        marks: Regular expressions: each begins some key of such a file.
        prefix: Of the backbone's keys, a regular expression.
        heads: What follows the prefix and is no part of the backbone, likewise.
        place: Where in a file such weights lie, if that is a mark.
    """

    name: str
    marks: tuple[str, ...]
    prefix: str = ""
    heads: str = r"(fc|head|heads|classifier)\."
    place: str = ""


# The first that fits is taken: the more particular ones come first.
LAYOUTS = (
    Layout("official MoCo v2", (r"encoder_q\.fc\.0\.", "queue"), r"encoder_q\."),
    Layout("official MoCo v1", (r"encoder_q\.",), r"encoder_q\."),
    Layout("official MoCo v3", (r"base_encoder\.",), r"base_encoder\."),
    Layout(
        "BYOL, a port to PyTorch",
        (r"online_(network|encoder|net)\.",),
        r"online_(network|encoder|net)\.(net\.|encoder\.|backbone\.)?",
        r"(fc|head|classifier|projector|projection|projetion|predictor)\.",
    ),
    Layout(
        "BYOL, a port to PyTorch",
        (r"(encoder|backbone)\.",),
        r"(encoder|backbone)\.",
        place="online_network_state_dict",
    ),
    Layout(
        "official SwAV",
        (r"projection_head\.", r"prototypes\.", r"layer1\."),
        heads=r"(projection_head|prototypes|fc)\.",
    ),
    Layout("VISSL", (r"(trunk\.)?_feature_blocks\.",), r"(trunk\.)?_feature_blocks\."),
    Layout(
        "VISSL",
        (r"(trunk\.)?base_model\._feature_blocks\.",),
        r"(trunk\.)?base_model\._feature_blocks\.",
    ),
    Layout(
        "lightly-train",
        (r"((student_)?embedding_model)\.wrapped_model\.",),
        r"(student_)?embedding_model\.wrapped_model\.(_features\.|_model\.|_vit\.)?",
    ),
    Layout(
        "lightly",
        (r"(student_)?backbone\.", r"(student_)?(projection|prediction)_(head|mlp)\."),
        r"(student_)?backbone\.",
    ),
    Layout("official DINOv2", (r"backbone\.", r"(dino|ibot)_head\."), r"backbone\."),
    Layout(
        "official DINO",
        (r"backbone\.", r"head\.(mlp|last_layer)"),
        r"backbone\.",
    ),
    Layout("official SimSiam", (r"encoder\.", r"predictor\."), r"encoder\."),
    Layout(
        "official Barlow Twins",
        (r"backbone\.", r"projector\.", r"bn\.running_mean"),
        r"backbone\.",
    ),
    Layout(
        "solo-learn",
        (r"(backbone|encoder)\.", r"projector\.", r"(classifier|momentum_\w+)\."),
        r"(backbone|encoder)\.",
    ),
    Layout("official VICReg", (r"backbone\.", r"projector\."), r"backbone\."),
    Layout("SimCLR, a port to PyTorch", (r"encoder\.", r"projector\."), r"encoder\."),
    Layout("SimCLR, a port to PyTorch", (r"backbone\.fc\.0\.",), r"backbone\."),
    Layout(
        "mmtaskssl or mmselfsup",
        (r"backbone\.", r"(encoder_k|target_net)\."),
        r"backbone\.",
    ),
    Layout(
        "detectron2",
        (r"(backbone\.)?(bottom_up\.)?stem\.conv1\.norm\.",),
        r"(backbone\.)?(bottom_up\.)?",
        r"(?!stem\.conv1\.|res\d+\.)",
    ),
    Layout(
        "mmtaskssl or mmselfsup",
        (r"backbone\.", r"neck\.(fc|mlp|bn|net|layers)"),
        r"backbone\.",
    ),
    Layout("mmseg", (r"backbone\.", r"decode_head\."), r"backbone\."),
    Layout(
        "mmdet",
        (r"backbone\.", r"(rpn_head|roi_head|bbox_head|mask_head|neck)\."),
        r"backbone\.",
    ),
    Layout(
        "mmpretrain or mmcls", (r"backbone\.", r"head\.(fc|layers)\."), r"backbone\."
    ),
    Layout("backbone.* of some model", (r"backbone\.",), r"backbone\."),
    Layout("official DINOv2", (r"blocks\.", r"mask_token", r"patch_embed\.")),
)

#: A network alone, possibly behind one more attribute's name.
ALONE = (
    ("a ResNet by the names of torchvision and timm", r"layer1\.0\.conv1\.weight"),
    ("a network by detectron2's names", r"stem\.conv1\.norm\.weight"),
    ("a network by timm's names", r"(conv_stem|patch_embed\.proj)\.weight"),
    ("a network by torchvision's names", r"features\.0\.0?"),
    ("a transformer by OpenMMLab's names", r"layers\.0\.ln1\.weight"),
    ("a ResNet by the numbers of its children", r"\d\.0\.conv1\.weight"),
)
