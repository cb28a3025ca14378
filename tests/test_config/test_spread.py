import pytest

from mmtaskssl.config import load_config
from mmtaskssl.utils.errors import UserError

_ROUTED = (
    "configs/sdr/routed-simsiam_resnet10-w32-16paths_1xb128-coslr-2k_folder-40px.py"
)


@pytest.mark.parametrize(
    "config",
    [
        "configs/selfsup/mocov2/mocov2_resnet18_1xb256-coslr-20k_folder-64px.py",
        "mmselfsup::selfsup/simclr/simclr_resnet50_8xb32-coslr-200e_in1k.py",
    ],
)
def test_clusters_that_no_data_set_reads_are_refused(config):
    with pytest.raises(UserError, match=r"trains on ClusteredImages, as those of"):
        load_config(config, {"images": "x", "clusters": "y"})


def test_clusters_are_read_below_a_selection_too():
    cfg = load_config(_ROUTED, {"images": "x", "clusters": "y"})
    assert cfg.train_dataloader.dataset.clusters == "y"
