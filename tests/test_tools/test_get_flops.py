import importlib.util
import subprocess
import sys

import pytest

from mmtaskssl.utils.errors import UserError

MODELS = {
    "dynamic": "dict(type='mmtaskssl.DynamicResNet', space='data_basic')",
    "slimmable": "dict(type='mmtaskssl.SlimmableResNet', depth=18, widths=[1, 0.5])",
    "routed": (
        "dict(type='mmtaskssl.RoutedResNet', depth=18, groups=2, base_width=16)"
    ),
    "strides": (
        "dict(type='mmtaskssl.DynamicResNet', in_channels=1, strides=(2, 2, 2, 2),"
        " space=dict(preset='data_basic', stem_kernel=3))"
    ),
    "mobilenet": "dict(type='mmtaskssl.SlimmableMobileNetV3')",
    "plain": "dict(type='mmselfsup.ResNet', depth=18)",
}


@pytest.fixture(scope="module")
def tool(repo_root):
    path = repo_root / "tools" / "get_flops.py"
    spec = importlib.util.spec_from_file_location("get_flops", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "config.py"
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def model_config(config):
    return lambda kind: config(f"model = dict(type='X', backbone={MODELS[kind]})")


def rows(capsys):
    return [line.split() for line in capsys.readouterr().out.splitlines()[1:-1]]


@pytest.mark.parametrize("name", ["data_bottleneck", "slimmable_mobilenet_v3"])
def test_shipped_spaces(tool, repo_root, capsys, name):
    tool.main([str(repo_root / "configs" / "subnets" / f"{name}.py")])
    table = {row[1]: row[-2:] for row in rows(capsys)}
    expected = {
        "data_bottleneck": {
            "MAX": ["15.512", "84.785"],
            "R101": ["7.799", "42.500"],
            "R77": ["6.052", "33.563"],
            "R50": ["4.087", "23.508"],
            "MIN": ["1.665", "9.733"],
        },
        "slimmable_mobilenet_v3": {
            "MAX": ["0.214", "2.972"],
            "0.75": ["0.125", "1.708"],
            "0.5": ["0.059", "0.781"],
            "MIN": ["0.031", "0.394"],
        },
    }[name]
    assert table == expected
    assert list(table) == list(expected)  # the largest first


def test_every_shipped_space_is_read(tool, repo_root, capsys):
    paths = sorted((repo_root / "configs" / "subnets").glob("*.py"))
    assert len(paths) >= 9
    for path in paths:
        tool.main([str(path)])
        assert len(rows(capsys)) >= 2


def test_a_model_and_its_space_agree(tool, config, model_config, capsys):
    tool.main([model_config("dynamic"), "--shape", "64"])
    from_model = rows(capsys)
    tool.main([config("space = 'data_basic'"), "--shape", "64"])
    assert rows(capsys) == from_model


def test_list_and_csv(tool, model_config, capsys, tmp_path):
    out = tmp_path / "new" / "table.csv"
    tool.main([model_config("slimmable"), "--list", "--csv", str(out)])
    names = [row[0] for row in rows(capsys)]
    assert names == ["s64-w64.128.256.512-d2.2.2.2", "s32-w32.64.128.256-d2.2.2.2"]
    lines = out.read_text().splitlines()
    assert lines[0] == "subnet,anchor,macs,params,latency_s"
    assert lines[1] == f"{names[0]},MAX 1,1813561344,11176512,"


def test_named_subnets_and_shape(tool, model_config, capsys):
    path = "s16-w16.32.64.128-d2.2.2.2-p0.1.0.1"
    tool.main([model_config("routed"), "--subnet", "MAX", path, "--shape", "64", "96"])
    table = rows(capsys)
    assert [row[0] for row in table] == ["s16-w16.32.64.128-d2.2.2.2", path]


def test_strides_and_channels_of_the_backbone_count(tool, model_config, capsys):
    from mmtaskssl.subnets import build_space, cost

    tool.main([model_config("strides"), "--subnet", "R18", "--shape", "32"])
    space = build_space({"preset": "data_basic", "stem_kernel": 3})
    subnet = space.resolve("R18")
    expected = cost(space.arch, subnet, 32, strides=(2, 2, 2, 2), in_channels=1)
    assert rows(capsys)[0][-2:] == [
        f"{expected.macs / 1e9:.3f}",
        f"{expected.params / 1e6:.3f}",
    ]


def test_summary(tool, model_config, capsys):
    tool.main([model_config("dynamic"), "--space-summary"])
    assert capsys.readouterr().out.startswith("5,832 sub-nets; costs of all of them")


@pytest.mark.parametrize("kind", ["dynamic", "slimmable", "routed", "mobilenet"])
def test_latency(tool, model_config, capsys, kind):
    options = ["--subnet", "MIN", "--latency", "--repeats", "2", "--shape", "32"]
    tool.main([model_config(kind), *options])
    assert "(" in capsys.readouterr().out.splitlines()[1]


THREE_STAGES = (
    "dict(kind='grid', arch=dict(kind='resnet', block='basic', stem_kernel=3),"
    " stem=(8, 16), widths=((8, 16), (16, 32), (32, 64)), depths=((1, 2),) * 3)"
)


@pytest.mark.parametrize(
    "space",
    [
        "dict(preset='routed_resnet', depth=18, groups=2, base_width=16)",
        "'slimmable_mobilenet_v3'",
        "dict(preset='slimmable_mobilenet_v3', divisor=8, widths=[1, 0.4])",
        THREE_STAGES,
    ],
)
def test_latency_of_a_bare_space(tool, config, capsys, space):
    text = f"space = {space}"
    options = ["--subnet", "MIN", "--latency", "--repeats", "2", "--shape", "32"]
    tool.main([config(text), *options])
    assert "(" in capsys.readouterr().out.splitlines()[1]


def test_plot(tool, model_config, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "space.png"
    tool.main([model_config("slimmable"), "--plot", str(out)])
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("lr = 1", [], "has neither a `space` nor a model with a backbone"),
        ("space = 'nowhere'", [], "'nowhere' is not a search space"),
        ("space = 'data_basic'", ["--subnet", "R50"], "or name one of MAX, MIN, R18"),
        ("space = 'data_basic'", ["--shape", "0"], "--shape must be a whole number"),
        (
            "space = 'data_basic'",
            ["--shape", "1", "2", "3"],
            "side of an image in pixels",
        ),
        ("space = 'data_basic'", ["--plot", "x.abc"], "cannot be written"),
        (
            "space = 'data_basic'",
            ["--latency", "--device", "toaster"],
            "toaster. cannot be used",
        ),
        ("space = 'data_basic'", ["--device", "cpu"], "only with --latency"),
        ("space = 'data_basic'", ["--repeats", "2"], "only with --latency"),
    ],
)
def test_bad_input(tool, config, text, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        tool.main([config(text), *options])


def test_a_backbone_without_subnets(tool, model_config):
    with pytest.raises(UserError, match=r"mmselfsup\.ResNet, has no sub-nets"):
        tool.main([model_config("plain")])


@pytest.mark.parametrize("backbone", ["type='NoSuchNet'", "depth=18"])
def test_a_backbone_that_does_not_exist(tool, config, backbone):
    with pytest.raises(UserError, match="has no sub-nets"):
        tool.main([config(f"model = dict(backbone=dict({backbone}))")])


def test_a_backbone_with_a_wrong_option(tool, config):
    backbone = "dict(type='mmtaskssl.RoutedResNet', deep=18)"
    with pytest.raises(UserError, match="deep"):
        tool.main([config(f"model = dict(backbone={backbone})")])


def test_one_sentence_and_status_2(repo_root, tmp_path):
    result = subprocess.run(
        [sys.executable, str(repo_root / "tools" / "get_flops.py"), "absent.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("error: config absent.py")
    assert "Traceback" not in result.stderr
