import importlib
import sys

import mmengine.config
import mmengine.config.utils
import pytest

from mmtaskssl.compat import mmengine_names


@pytest.fixture
def table(monkeypatch):
    """mmengine's table as it is without us."""
    table = dict(mmengine.config.utils.MODULE2PACKAGE)
    table.pop("mmtaskssl", None)
    monkeypatch.setattr(mmengine.config.utils, "MODULE2PACKAGE", table)
    return table


def test_mmengine_that_came_first_is_told(table):
    mmengine_names.install()
    assert table["mmtaskssl"] == "mmtaskssl"


def test_mmengine_that_comes_later_is_told(table, monkeypatch):
    # Undone at the end: the others' references to the module stay valid.
    monkeypatch.setattr(mmengine.config, "utils", mmengine.config.utils)
    monkeypatch.delitem(sys.modules, "mmengine.config.utils")
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    mmengine_names.install()
    later = importlib.import_module("mmengine.config.utils")
    assert later.MODULE2PACKAGE["mmtaskssl"] == "mmtaskssl"
    package, path = later._get_package_and_cfg_path("mmtaskssl::selfsup/a/b.py")
    assert (package, path) == ("mmtaskssl", "selfsup/a/b.py")
