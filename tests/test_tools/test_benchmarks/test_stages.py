"""What all stages of the evidence start from."""

from types import SimpleNamespace

from mmtaskssl.benchmarks.stages import EvidenceStages
from mmtaskssl.config import load_config
from mmtaskssl.utils.paths import resolve_config
from tests._images import make_image_folder

_CONFIG = "configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py"


def test_a_target_is_read_once_at_the_views_size(tmp_path):
    for split in ("train", "test"):
        make_image_folder(tmp_path / "dots" / split, 2, size=50)
    study = SimpleNamespace(
        out=tmp_path / "out",
        cfg=load_config(str(resolve_config(_CONFIG))),
        target_folder=lambda name: tmp_path / name,
    )
    stages = EvidenceStages(study, print)
    target = stages.target("dots")
    assert next(iter(target.samples["train"])).shape == (4, 3, 40, 40)
    assert target.labels["test"].tolist() == [0, 0, 1, 1]
    assert stages.target("dots") is target
