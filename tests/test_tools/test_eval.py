"""tools/eval_knn.py and tools/eval_linear.py as a user runs them."""

import json

import numpy as np
import pytest

from mmtaskssl.features.importing import import_features
from mmtaskssl.features.store import FeatureStore
from tests._images import make_image_folder
from tests.test_tools._tools import failure_of, load_tool
from tests.test_tools.test_extract_features import CONFIG


@pytest.fixture(params=["eval_knn", "eval_linear"])
def tool(request):
    return load_tool(request.param)


@pytest.fixture
def target(tmp_path):
    (tmp_path / "config.py").write_text(CONFIG)
    for split, seed in (("train", 0), ("test", 0)):
        make_image_folder(
            tmp_path / "target" / split, 6, ("red", "blue", "grey"), seed=seed
        )
    return tmp_path


def network(target):
    return [
        *(str(target / "config.py"), "random", "--target", str(target / "target")),
        *("--image-size", "32", "--workers", "0", "--device", "cpu"),
    ]


def make_stores(path, rows=30, dim=8, extractor="e"):
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, dim))
    for split in ("train", "test"):
        labels = [["owl", "cat", "emu"][i % 3] for i in range(rows)]
        x = np.array([centres[i % 3] for i in range(rows)])
        np.save(path / "f.npy", x + 0.3 * rng.normal(size=x.shape))
        import_features(
            path / "f.npy",
            [f"{split}{i}" for i in range(rows)],
            path / split,
            labels=labels,
            extractor=extractor,
        )
    return ["--train", str(path / "train"), "--test", str(path / "test")]


def test_on_images_in_memory_and_cached(target, tool, capsys):
    out = target / "result.json"
    tool.main([*network(target), "--json", str(out)])
    plain = json.loads(out.read_text())
    # The classes differ in mean colour, which any network shows.
    assert plain["metrics"]["top1"]["mean"] > 90
    assert "18 training images" in capsys.readouterr().out
    tool.main([*network(target), "--cache", str(target / "c"), "--json", str(out)])
    cached = json.loads(out.read_text())
    assert cached["metrics"] == plain["metrics"]
    assert FeatureStore.open(target / "c" / "train").class_names == [
        "blue",
        "grey",
        "red",
    ]


def test_on_stores_with_shots(tmp_path, tool, capsys):
    stores = make_stores(tmp_path)
    out = tmp_path / "r.json"
    tool.main([*stores, "--shots", "2", "--seeds", "4", "--json", str(out)])
    result = json.loads(out.read_text())
    assert result["metrics"]["top1"]["n"] == 4 and len(result["runs"]) == 4
    assert result["metrics"]["top1"]["mean"] > 80
    first = capsys.readouterr().out
    assert "2 shots a class" in first and "std over 4 draws" in first
    tool.main([*stores, "--shots", "2", "--seeds", "4", "--json", str(out)])
    assert json.loads(out.read_text()) == result


def test_k_is_clipped_with_a_note(tmp_path, capsys):
    load_tool("eval_knn").main([*make_stores(tmp_path), "-k", "500"])
    assert "k is 30" in capsys.readouterr().out


def test_several_labels(tmp_path, tool, capsys):
    stores = make_stores(tmp_path)
    for split in ("train", "test"):
        rows = [
            {"image": f"{split}{i}", "labels": [["bird", "mammal", "bird"][i % 3]]}
            for i in range(30)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{split}.jsonl").write_text(text)
        stores += [f"--{split}-labels", str(tmp_path / f"{split}.jsonl")]
    tool.main(stores)
    out = capsys.readouterr().out
    assert "mAP " in out and "mAP_11point" in out and "2 classes" in out


def test_bad_input(target, tool, tmp_path):
    stores = make_stores(tmp_path)
    assert "name the data" in failure_of(tool, [])
    assert "not both" in failure_of(tool, [*network(target), *stores])
    assert "only with --target" in failure_of(tool, ["x.py", "y.pth", *stores])
    for flag in ("--image-size 32", "--source ema", "--trust-checkpoint", "--amp"):
        said = failure_of(tool, [*stores, *flag.split()])
        assert f"{flag.split()[0]} is of use only with a network" in said
    assert "give both" in failure_of(tool, [*stores, "--seeds", "3"])
    assert "fewer than 99 shots" in failure_of(tool, [*stores, "--shots", "99"])
    args = network(target)
    args[1] = str(target / "none.pth")
    assert "does not exist" in failure_of(tool, args)
    args = network(target)
    args[3] = str(target / "target" / "train")
    assert "a target holds train/CLASS/IMAGE" in failure_of(tool, args)
    other = tmp_path / "other"
    other.mkdir()
    make_stores(other, extractor="f")
    assert "another extractor" in failure_of(tool, [*stores[:3], str(other / "test")])
    make_image_folder(target / "target" / "test", 1, ("pink",))
    assert "test class pink" in failure_of(tool, network(target))


def test_few_shots_by_svms(tmp_path, capsys):
    pytest.importorskip("sklearn")
    tool, stores = load_tool("eval_linear"), make_stores(tmp_path)
    out = tmp_path / "r.json"
    more = ("--protocol", "few-shot-svm", "--json", str(out))
    tool.main([*stores, *more, "--shots", "3", "--seeds", "2"])
    result = json.loads(out.read_text())
    assert result["protocol"] == "few-shot-svm"
    assert result["metrics"]["top1"]["mean"] > 80
    assert [len(run["costs"]) for run in result["runs"]] == [3, 3]
    assert "--shots" in failure_of(tool, [*stores, *more])


def test_the_published_protocols_are_listed(capsys):
    with pytest.raises(SystemExit) as stop:
        load_tool("eval_linear").main(["--protocols"])
    assert not stop.value.code
    text = capsys.readouterr().out
    assert "moco-linear" in text and "ours:" in text and "paper:" in text
