import importlib.util

import mmcv._ext
import mmcv.ops
import pytest
import torchvision
from mmcv.utils.ext_loader import check_ops_exist

from mmtaskssl.compat.stand_in import is_stand_in
from mmtaskssl.utils.families import OperatorMissing

from ._fresh import output_of


@pytest.fixture(autouse=True)
def _needs_stand_in():
    if not is_stand_in(mmcv._ext):
        pytest.skip("a compiled mmcv._ext is installed")


def test_is_found_as_any_module():
    assert importlib.util.find_spec("mmcv._ext") is not None
    assert check_ops_exist()


def test_environment_report_names_torchvision():
    assert torchvision.__version__ in mmcv.ops.get_compiler_version()
    assert isinstance(mmcv.ops.get_compiling_cuda_version(), str)


def test_other_operators_say_what_to_install_when_called():
    operator = mmcv._ext.nms_rotated
    said = r"'nms_rotated'.*mmcv==2\.1\.0"
    with pytest.raises(OperatorMissing, match=said) as raised:
        operator(1, axis=2)
    assert isinstance(raised.value, NotImplementedError)


def test_private_names_stay_absent():
    # Whatever walks sys.modules asks for these and must not get an operator.
    assert not hasattr(mmcv._ext, "__wrapped__")
    assert not hasattr(mmcv._ext, "_pytestfixturefunction")


def test_unknown_extension_of_mmcv_stays_missing():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("mmcv._ext2")


def test_hosts_import_though_one_came_before_us():
    # Seconds: the hosts import whole.
    pytest.importorskip("mmdet")
    pytest.importorskip("mmseg")
    code = """
        import mmselfsup.models
        import mmtaskssl
        import mmdet.models, mmseg.models, mmcv._ext
        print(mmcv._ext.__spec__.origin)
    """
    assert output_of(code) == "mmtaskssl.compat"


def test_importing_us_imports_none_of_them():
    code = """
        import mmtaskssl, sys
        print({"torch", "torchvision", "mmcv", "mmengine", "mmdet"} & set(sys.modules))
    """
    assert output_of(code) == "set()"


def test_a_compiled_extension_wins(tmp_path):
    # A package that has the module, ahead on the path: nothing of ours may show.
    (tmp_path / "mmcv").mkdir()
    (tmp_path / "mmcv" / "__init__.py").touch()
    (tmp_path / "mmcv" / "_ext.py").write_text("def nms(): return 'compiled'\n")
    code = """
        import sys; sys.path.insert(0, ".")
        import mmtaskssl, mmcv._ext
        print(mmcv._ext.nms(), hasattr(mmcv._ext, "softnms"), "torch" in sys.modules)
    """
    assert output_of(code, cwd=tmp_path) == "compiled False False"


def test_a_compiled_extension_that_does_not_load_says_so(tmp_path):
    # A silent change to torchvision's kernels would hide a broken installation.
    (tmp_path / "mmcv").mkdir()
    (tmp_path / "mmcv" / "__init__.py").touch()
    (tmp_path / "mmcv" / "_ext.py").write_text("raise ImportError('undefined symbol')")
    code = """
        import sys; sys.path.insert(0, ".")
        import mmtaskssl
        try:
            import mmcv._ext
        except ImportError as error:
            print(error)
    """
    assert output_of(code, cwd=tmp_path) == "undefined symbol"


def test_install_twice_adds_one_finder():
    code = """
        import sys, mmtaskssl
        from mmtaskssl.compat import install
        before = list(sys.meta_path)
        install()
        print(sys.meta_path == before)
    """
    assert output_of(code) == "True"
