"""A distilled supernet's embeddings are what its head makes of the features."""

import numpy as np
import pytest
import torch

from mmtaskssl.networks import open_network
from mmtaskssl.search.encoders import load_encoders
from mmtaskssl.search.metrics import get_metrics
from mmtaskssl.search.scorer import Scorer
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import UserError

from ._files import CONFIG, MIDDLE, write_files

NECK = CONFIG[CONFIG.index("    neck=") :]
# As the shipped configs leave out: both dimensions are the head's affair.
HEAD = "    distill={}dict(head={}){})\n"
HEADS = "dict(num_layers=2, hid_channels=12)"


@pytest.fixture
def network(tmp_path):
    """Returns a function from a config and a renaming of its neck to a network."""
    _, checkpoint = write_files(tmp_path)
    state = torch.load(checkpoint, weights_only=True)["state_dict"]

    def make(config, prefix):
        named = {
            key.replace("neck.", prefix) if key.startswith("neck.") else key: value
            for key, value in state.items()
            if not key.startswith("encoder_k.")
        }
        file, weights = tmp_path / f"{len(prefix)}.py", tmp_path / f"{len(prefix)}.pth"
        file.write_text(config)
        torch.save({"state_dict": named, "meta": {}}, weights)
        return open_network(str(file), str(weights), subnets=True)

    return make


def _scores(network, sample):
    scorer = Scorer(load_encoders(network), sample, get_metrics(["global"]), 16)
    subnet = Subnet.parse(MIDDLE)
    return dict(scorer.score([subnet]))[subnet]["global"]


@pytest.mark.parametrize("several", [("", ""), ("[", "]")], ids=["one", "list"])
def test_the_head_stands_for_a_neck(network, sample, several):
    expected = _scores(network(CONFIG, "neck."), sample)
    head = HEAD.format(several[0], HEADS, several[1])
    found = _scores(network(CONFIG.replace(NECK, head), "distill.0.head."), sample)
    np.testing.assert_array_equal(found, expected)
    assert found.std() > 1e-3


def test_without_a_head_embeddings_are_missed_by_name(network, sample):
    bare = CONFIG.replace(NECK, HEAD.format("", "None", ""))
    with pytest.raises(UserError, match=r"needs a model\.neck"):
        _scores(network(bare, "distill.0.head."), sample)
