"""Folders of transformers: what is asked of the library, and what is refused."""

import json
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn

from mmtaskssl.networks.hugging_face import open_hugging_face
from mmtaskssl.networks.teacher import NetworkTeacher
from mmtaskssl.utils.errors import UserError


class _Sees(nn.Module):
    """As a vision model's answer: names and outputs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 8, 8)
        self.pooler = nn.Linear(5, 5)
        self.config = SimpleNamespace(mask_ratio=0.75)

    def forward(self, pixel_values):
        tokens = self.conv(pixel_values).flatten(2).mT
        pooled = self.pooler and self.pooler(tokens[:, 0])
        return {"last_hidden_state": tokens, "pooler_output": pooled}


@pytest.fixture
def asked(monkeypatch):
    """A library that notes what it was asked for; and what a folder lacks."""
    calls, missing = [], set()

    class AutoModel:
        @staticmethod
        def from_pretrained(folder, **options):
            calls.append((folder, options))
            model = nn.Module()
            model.vision_model, model.text_model = _Sees(), nn.Linear(2, 2)
            return model, {"missing_keys": missing}

    module = ModuleType("transformers")
    module.AutoModel = AutoModel
    monkeypatch.setitem(sys.modules, "transformers", module)
    return calls, missing


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    facts = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    facts["size"] = {"height": 32, "width": 32}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(facts))
    return tmp_path


def test_a_folder_teaches_with_its_own_pixels(asked, folder):
    teacher = NetworkTeacher(f"hf:{folder}", labels="none")
    ((place, options),) = asked[0]
    assert place == str(folder)
    assert options == {
        "local_files_only": True,
        "use_safetensors": True,
        "trust_remote_code": False,
        "output_loading_info": True,
    }
    assert (teacher.view_size, teacher.dim) == (32, 5)
    assert teacher.mean == (127.5,) * 3 and teacher.std == (63.75,) * 3
    images = torch.randn(2, 3, 32, 32)
    expected = teacher.body(images)["pooler_output"]
    torch.testing.assert_close(teacher.teach(images, None).feature, expected)


def test_what_is_no_folder_of_it_is_refused(folder, tmp_path, monkeypatch):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"needs config.json and weights as"):
        open_hugging_face(folder)
    (folder / "pytorch_model.bin").rename(folder / "model.safetensors")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match="pip install transformers"):
        open_hugging_face(folder)


def test_what_a_folder_lacks_is_not_drawn(asked, folder):
    """A pooler without weights is left out; anything else is an error."""
    asked[1].update(["vision_model.pooler.weight", "text_model.weight"])
    teacher = NetworkTeacher(f"hf:{folder}", labels="none")
    images = torch.randn(2, 3, 32, 32)
    expected = teacher.body(images)["last_hidden_state"].mean(1)
    torch.testing.assert_close(teacher.teach(images, None).feature, expected)
    assert teacher.body.config.mask_ratio == 0
    asked[1].add("vision_model.conv.weight")
    with pytest.raises(
        UserError, match=r"lacks 1 weights of its _Sees, such as .*conv"
    ):
        open_hugging_face(folder)


@pytest.mark.parametrize(
    ("facts", "mean", "std", "order", "size"),
    [
        ({"do_normalize": False}, 0.0, 255.0, "rgb", 224),
        ({"do_flip_channel_order": True, "crop_size": 96}, 0.0, 255.0, "bgr", 96),
        ({"image_mean": [0.5] * 3, "image_std": [0.5] * 3}, 127.5, 127.5, "rgb", 224),
        (
            {"rescale_factor": 1 / 127.5, "image_mean": [1] * 3, "image_std": [1] * 3},
            *(127.5, 127.5, "rgb", 224),
        ),
        (
            {"do_rescale": False, "image_mean": [100] * 3, "image_std": [50] * 3},
            *(100.0, 50.0, "rgb", 224),
        ),
        (
            {"do_center_crop": False, "crop_size": 96, "do_normalize": False}
            | {"size": {"shortest_edge": 48}},
            *(0.0, 255.0, "rgb", 48),
        ),
    ],
)
def test_pixels_are_as_the_folder_says(asked, folder, facts, mean, std, order, size):
    (folder / "preprocessor_config.json").write_text(json.dumps(facts))
    pixels = open_hugging_face(folder).preprocessing
    assert pixels.mean == (mean,) * 3 and pixels.std == (std,) * 3
    assert (pixels.channel_order, pixels.image_size) == (order, size)


def test_what_cannot_see_or_is_no_number_is_refused(asked, folder, monkeypatch):
    for size in (0, -1, "64", 64.5, True):
        with pytest.raises(UserError, match="`view_size` must be a whole number"):
            NetworkTeacher(f"hf:{folder}", view_size=size)
    with pytest.raises(UserError, match=r"takes no images of 4 px .*view_size to the"):
        NetworkTeacher(f"hf:{folder}", view_size=4)
    monkeypatch.setattr(_Sees, "forward", lambda self, x: x.mean((2, 3)) / 0)
    with pytest.raises(UserError, match="NaN or infinity of a black image"):
        NetworkTeacher(f"hf:{folder}")
