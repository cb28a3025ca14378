"""A feature store teaches what its network would."""

import shutil

import pytest
import torch
from mmengine.structures import BaseDataElement
from PIL import Image

from mmtaskssl.apis import extract
from mmtaskssl.features.store_teacher import StoreTeacher
from mmtaskssl.networks import Network
from mmtaskssl.networks.teacher import NetworkTeacher, labels_of, split_weights
from mmtaskssl.utils.errors import UserError

_DEBUG = "selfsup/mocov2/mocov2_resnet18-w8_1xb16-coslr-12i_debug-32px.py"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store_teacher")
    images = folder / "images"
    images.mkdir()
    generator = torch.Generator().manual_seed(0)
    for i in range(6):
        pixels = torch.randint(0, 256, (8, 8, 3), generator=generator)
        picture = Image.fromarray(pixels.to(torch.uint8).numpy())
        picture.resize((40, 40)).save(images / f"{i}.png")
    (images / "9.png").write_bytes(b"no picture")
    network = (f"configs/{_DEBUG}", "random")
    running = {"image_size": 32, "batch_size": 4, "workers": 0, "device": "cpu"}
    return extract(network, images, out=folder / "store", **running)


def _samples(*rows):
    samples = [BaseDataElement() for _ in rows]
    for sample, row in zip(samples, rows, strict=True):
        sample.set_field(row, "sample_idx", field_type="metainfo")
    return samples


def test_a_store_teaches_what_the_live_network_does(store):
    live = NetworkTeacher(f"configs/{_DEBUG}=random")
    cached = StoreTeacher(store.path)
    assert cached.view_size is None and cached.dim == live.dim == 64
    ids = [store.image_ids[row] for row in (4, 0, 2)]  # not all, in another order
    cached.bind(ids)
    got = cached.teach(None, _samples(2, 0, 1)).feature
    transform = Network.of(live.body).preprocessing.__class__(32)
    crops = [transform.read(f"{store.root}/{ids[i]}") for i in (2, 0, 1)]
    pixels = torch.stack([torch.from_numpy(crop.copy()) for crop in crops])
    with torch.no_grad():
        expected = live.teach(transform.normalize(pixels), None).feature
    expected = torch.nn.functional.normalize(expected, dim=1)
    torch.testing.assert_close(got, expected, rtol=2e-3, atol=2e-3)
    assert torch.equal(cached.sha256, StoreTeacher(store.path).sha256)
    assert not torch.equal(cached.sha256, live.sha256)


def test_images_that_the_store_does_not_know_are_refused(store):
    teacher = StoreTeacher(store.path)
    with pytest.raises(UserError, match="was not told"):
        teacher.teach(None, _samples(0))
    with pytest.raises(UserError, match=r"1 of 2 training images are not in .* other"):
        teacher.bind(["0.png", "other.png"])
    with pytest.raises(UserError, match=r"1 training images have no feature .* 9\.png"):
        teacher.bind(["0.png", "9.png"])


def test_other_images_by_the_same_names_are_refused(store, tmp_path):
    teacher, ids = StoreTeacher(store.path), [f"{i}.png" for i in range(6)]
    same, other = (shutil.copytree(store.root, tmp_path / name) for name in "so")
    (other / "4.png").write_bytes((other / "3.png").read_bytes())
    for root in (store.root, same, tmp_path / "gone", None):
        teacher.bind(ids, root)
    with pytest.raises(UserError, match=r"4\.png is another one than in"):
        teacher.bind(ids, other)


def test_names_weights_and_labels():
    assert split_weights("timm:resnet10t=my.pth") == ("timm:resnet10t", "my.pth")
    assert split_weights("torchvision:resnet18") == ("torchvision:resnet18", None)
    with pytest.raises(UserError, match="two kinds of weights"):
        split_weights("timm:resnet10t=a.pth", "b.pth")
    assert labels_of("timm:a", trained=False) == "none"
    own = "if they are timm's own weights"
    assert labels_of("timm:x.a1_in1k", True) == f"ImageNet-1k, {own}"
    assert labels_of("timm:tf_efficientnet_lite0", True) == f"ImageNet-1k, {own}"
    found = labels_of("timm:x.augreg_in21k_ft_in1k", True)
    assert found == f"ImageNet-21k and ImageNet-1k, {own}"
    assert labels_of("torchvision:resnet18", True).startswith("ImageNet-1k")
    assert labels_of("my/config.py", True) is None
