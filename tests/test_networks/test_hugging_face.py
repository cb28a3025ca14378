"""Folders of transformers: what is asked of the library, and what is refused."""

import json
import sys
from types import ModuleType

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

    def forward(self, pixel_values):
        tokens = self.conv(pixel_values).flatten(2).mT
        return {"last_hidden_state": tokens, "pooler_output": tokens.mean(1)}


@pytest.fixture
def asked(monkeypatch):
    """A library that notes what it was asked for."""
    calls = []

    class AutoModel:
        @staticmethod
        def from_pretrained(folder, **options):
            calls.append((folder, options))
            model = nn.Module()
            model.vision_model, model.text_model = _Sees(), nn.Linear(2, 2)
            return model

    module = ModuleType("transformers")
    module.AutoModel = AutoModel
    monkeypatch.setitem(sys.modules, "transformers", module)
    return calls


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
    ((place, options),) = asked
    assert place == str(folder)
    assert options == {
        "local_files_only": True,
        "use_safetensors": True,
        "trust_remote_code": False,
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
