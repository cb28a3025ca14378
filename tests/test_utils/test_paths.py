import shutil

import pytest

from mmtaskssl.utils import paths
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resolve_config, resource_root


def test_in_place_the_folders_are_the_checkouts(repo_root):
    assert resource_root("configs") == repo_root / "configs"
    assert resource_root("tools") == repo_root / "tools"


def test_a_config_is_found_from_any_folder(repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = repo_root / "configs" / "_base_" / "default_runtime.py"
    assert resolve_config("configs/_base_/default_runtime.py") == expected
    assert resolve_config("_base_/default_runtime.py") == expected
    (tmp_path / "mine.py").write_text("")
    assert resolve_config("mine.py").resolve() == tmp_path / "mine.py"
    with pytest.raises(UserError, match=r"other\.py does not exist"):
        resolve_config("other.py")


def test_in_a_wheel_the_folders_lie_inside_the_package(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "mmtaskssl"
    (package / ".mim" / "tools").mkdir(parents=True)
    # Another package's folder of that name is not ours.
    (tmp_path / "site-packages" / "tools").mkdir()
    monkeypatch.setattr(paths, "_PACKAGE", package)
    assert resource_root("tools") == package / ".mim" / "tools"
    shutil.rmtree(package / ".mim")
    with pytest.raises(UserError, match="no folder 'tools'"):
        resource_root("tools")
