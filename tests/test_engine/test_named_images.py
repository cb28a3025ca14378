"""A training is refused before it begins where its images are not there."""

import tarfile

import pytest
from mmengine.config import Config

from mmtaskssl.engine.named_images import check_named_images
from mmtaskssl.utils.families import FileMissing


def _config(source):
    data = {"type": "UnlabeledImages", "source": str(source)}
    return Config({"train_dataloader": {"dataset": data}})


@pytest.mark.parametrize("pattern", ["p-{000..001}.tar", "p-*.tar", "p-000.tar", "."])
def test_shards_may_be_named_by_a_pattern(tmp_path, pattern):
    for number in range(2):
        tarfile.open(tmp_path / f"p-{number:03d}.tar", "w").close()
    check_named_images(_config(tmp_path / pattern))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("p-{000..001}.tar", r"p-000\.tar, which .* names, does not exist"),
        ("p-*.tar", "no file fits"),
        ("images", "do not exist: name yours"),
        ("list.txt", "do not exist: name yours"),
    ],
)
def test_what_is_absent_is_said(tmp_path, name, words):
    with pytest.raises(FileMissing, match=words):
        check_named_images(_config(tmp_path / name))
