"""Each test starts an interpreter that imports the whole host, seconds apiece."""

import pytest

from mmtaskssl.compat import extra_norm

from ._fresh import output_of, run_python

pytest.importorskip("mmdet")

# What mmpretrain 1.2 does, and no more: mmdet imports it where it is installed.
_FILES = {
    "__init__.py": "",
    "models/__init__.py": "from .utils import res_layer_extra_norm",
    "models/classifiers.py": "class ImageClassifier: pass",
    "models/utils/__init__.py": "",
    "models/utils/res_layer_extra_norm.py": """
try:
    from mmdet.models.backbones import ResNet
    from mmdet.registry import MODELS

    @MODELS.register_module()
    class ResLayerExtraNorm:
        pass
except ImportError:
    pass
""",
}


@pytest.fixture
def successor(tmp_path):
    for name, text in _FILES.items():
        path = tmp_path / "mmpretrain" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_host_imports_beside_its_successor(successor):
    code = """
    import sys
    sys.path.insert(0, ".")
    import mmtaskssl, mmselfsup.models, mmpretrain
    from mmdet.registry import MODELS
    print(MODELS.get("ResLayerExtraNorm").__module__.split(".")[0])
    """
    assert output_of(code, cwd=successor) in ("mmselfsup", "mmpretrain")


def test_the_wall_still_stands(successor):
    """Where it does not, the door has lost its reason."""
    code = """
    import sys
    sys.path.insert(0, ".")
    from mmtaskssl.compat.extra_norm import _MODULES
    sys.meta_path[:] = [
        f for f in sys.meta_path if getattr(f, "modules", None) != set(_MODULES)]
    import mmselfsup.models
    """
    assert "ResLayerExtraNorm is already registered" in (
        run_python(code, cwd=successor).stderr
    )


def test_nothing_changes_where_there_is_no_successor(monkeypatch):
    monkeypatch.setattr(extra_norm, "find_spec", lambda name: None)
    assert extra_norm._force(None) is False
