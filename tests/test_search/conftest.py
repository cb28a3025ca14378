import pytest
import torch

from mmtaskssl.config import load_config
from mmtaskssl.datasets.image_sample import draw_images
from mmtaskssl.networks import open_network, preprocessing_of
from mmtaskssl.search.encoders import load_encoders

from ._files import write_files, write_images


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Names of a config, a checkpoint and a folder of images, only to be read."""
    folder = tmp_path_factory.mktemp("supernet")
    return *write_files(folder), write_images(folder)


@pytest.fixture(scope="session")
def encoders(files):
    return load_encoders(open_network(*files[:2], subnets=True))


@pytest.fixture(scope="session")
def sample(files):
    transform = preprocessing_of(load_config(files[0]))
    return draw_images(files[2], transform)


@pytest.fixture(scope="session")
def images(sample):
    """(24, 3, 16, 16) normalised."""
    return torch.cat(list(sample))
