"""A class is found by its prefix alone, wherever mmengine looks from."""

import importlib
import pkgutil

import pytest
from mmengine.registry import DefaultScope, Registry
from mmengine.registry import root as mmengine_root

import mmtaskssl
from mmtaskssl import registry as ours
from tests.test_compat._fresh import output_of

NODES = {n: r for n, r in vars(ours).items() if isinstance(r, Registry)}
ROOTS = {n: r for n, r in vars(mmengine_root).items() if isinstance(r, Registry)}

# Stands for a compiled mmcv: its operators exist and none is called.
COMPILED = """
    import importlib.machinery, sys, types
    class Extension(types.ModuleType):
        def __getattr__(self, name):
            if name.startswith("_"):
                raise AttributeError(name)
            return print
    ext = sys.modules["mmcv._ext"] = Extension("mmcv._ext")
    ext.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", None)
"""
LOOK_UP = """
    from mmengine.registry import DefaultScope, root
    DefaultScope.get_instance("test", scope_name="{scope}")
    assert "mmtaskssl" not in sys.modules
    missing = []
    for node, names in {registered}.items():
        for name in names:
            with getattr(root, node).switch_scope_and_registry(None) as registry:
                found = registry.get("mmtaskssl." + name)
                if not getattr(found, "__module__", "").startswith("mmtaskssl."):
                    missing.append((node, name))
    print(missing)
"""


@pytest.fixture(scope="module")
def registered():
    """Every name that any module of the package registers, by node of mmengine."""
    for module in pkgutil.walk_packages(mmtaskssl.__path__, "mmtaskssl."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {
        node: sorted(
            name
            for name, found in NODES[node].module_dict.items()
            # Other tests register stand-ins of their own in this process.
            if found.__module__.startswith("mmtaskssl.")
        )
        for node in ROOTS
    }


@pytest.mark.parametrize("name", ROOTS)
def test_each_node_is_a_child_of_mmengines(name):
    node = NODES[name]
    assert node.parent is ROOTS[name]
    assert node.scope == "mmtaskssl"
    assert ROOTS[name].children["mmtaskssl"] is node


@pytest.mark.parametrize("name", NODES)
def test_locations_exist(name):
    assert NODES[name]._locations
    for location in NODES[name]._locations:
        importlib.import_module(location)


def test_own_nodes_find_what_is_registered(registered):
    samplers = NODES["SUBNET_SAMPLERS"]
    assert set(NODES) - set(ROOTS) == {"SUBNET_SAMPLERS", "SEARCH_SCORES"}
    assert len(samplers)
    for name in samplers.module_dict:
        assert samplers.get(name) is samplers.get(f"mmtaskssl.{name}")


@pytest.mark.parametrize("scope", ["mmengine", "mmdet", "mmseg"])
def test_everything_is_found_without_custom_imports(scope, registered):
    if scope in ("mmdet", "mmseg"):
        pytest.importorskip(scope)
    assert registered["MODELS"]
    assert registered["DATASETS"]
    start = COMPILED if scope in ("mmdet", "mmseg") else "    import sys\n"
    code = LOOK_UP.format(scope=scope, registered=registered)
    # Before it, mmengine warns where the host has no node of that kind.
    assert output_of(start + code).splitlines()[-1] == "[]"


def test_config_with_custom_imports_needs_no_compiled_operators(tmp_path):
    pytest.importorskip("mmdet")
    (tmp_path / "config.py").write_text(
        """
default_scope = "mmdet"
custom_imports = dict(imports=["mmtaskssl"])
work_dir = "."
log_level = "ERROR"
model = dict(
    type="mmtaskssl.SimSiam",
    backbone=dict(type="mmselfsup.ResNet", depth=18, out_indices=[3]),
    neck=dict(type="mmselfsup.NonLinearNeck", in_channels=512, hid_channels=8,
              out_channels=8),
    head=dict(type="mmselfsup.LatentPredictHead",
              loss=dict(type="mmselfsup.CosineSimilarityLoss"),
              predictor=dict(type="mmselfsup.NonLinearNeck", in_channels=8,
                             hid_channels=8, out_channels=8)),
)
"""
    )
    code = """
        from mmengine.config import Config
        from mmengine.runner import Runner
        runner = Runner.from_cfg(Config.fromfile("config.py"))
        print(type(runner.model).__module__)
    """
    printed = output_of(code, cwd=tmp_path).splitlines()[-1]
    assert printed == "mmtaskssl.models.algorithms.simsiam"


@pytest.mark.parametrize("scope", ["mmengine", "mmdet"])
def test_a_scope_that_a_host_left_behind_hides_no_name_of_ours(scope):
    DefaultScope.get_instance(f"left-{scope}", scope_name=scope)
    config = {"type": "CosineRegression"}
    built = ours.MODELS.build(config)
    assert type(built).__module__.startswith("mmtaskssl.")
    assert config == {"type": "CosineRegression"}
    # Another's name is found as before, and an absent one is named as it was written.
    assert ours.MODELS.build({"type": "BN2d", "num_features": 2}) is not None
    with pytest.raises(KeyError, match=r"^'Absent is not in the"):
        ours.MODELS.build({"type": "Absent"})
