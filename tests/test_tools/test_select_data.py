import csv
import errno
import json
import os
import shutil

import numpy as np
import pytest

from mmtaskssl.features.copies import STRENGTHS
from mmtaskssl.features.importing import import_features
from mmtaskssl.features.store import FeatureStore
from tests._images import make_image_folder

from ._tools import failure_of, load_tool


def import_folder(path, images, features, extractor="e", labels=None):
    ids = sorted(p.relative_to(images).as_posix() for p in images.rglob("*.png"))
    np.save(path.with_suffix(".npy"), np.asarray(features, np.float32))
    return import_features(
        path.with_suffix(".npy"),
        ids,
        path,
        root=str(images),
        labels=labels,
        extractor=extractor,
        rows_per_shard=16,
    )


@pytest.fixture
def stores(tmp_path):
    rng = np.random.default_rng(0)
    pool = make_image_folder(tmp_path / "images", 20, ("a", "b"))
    target = make_image_folder(tmp_path / "target", 3, ("a", "b"), seed=1)
    test = make_image_folder(tmp_path / "val", 2, (), seed=2)
    for name, original in (("000.png", "a/002.png"), ("001.png", "b/013.png")):
        shutil.copy(pool / original, test / name)
    features = rng.standard_normal((40, 8))
    features[7] = np.nan
    near = features[[0, 1, 2, 30, 31, 32]] + 0.1 * rng.standard_normal((6, 8))
    import_folder(tmp_path / "pool_store", pool, features)
    import_folder(tmp_path / "target_store", target, near, labels=list("aaabbb"))
    import_folder(tmp_path / "val_store", test, features[[2, 33]])
    return tmp_path


@pytest.fixture
def tool():
    return load_tool("select_data")


def command(folder, *more, budget="10", out="out", target="target_store"):
    return [
        *("--pool", str(folder / "pool_store"), "--target", str(folder / target)),
        *("--budget", budget, "--out", str(folder / out), *more),
    ]


def lines(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_writes_selection_table_summary_and_next_command(stores, tool, capsys):
    tool.main(command(stores, "--no-report"))
    out = stores / "out"
    chosen = (out / "selection.txt").read_text().splitlines()
    table = lines(out / "selection.csv")
    assert [row["image"] for row in table] == chosen
    assert len(set(chosen)) == 10
    assert list(table[0]) == ["rank", "image", "score", "query", "query_rank"]
    assert [row["rank"] for row in table] == [str(i + 1) for i in range(10)]
    pool = FeatureStore.open(stores / "pool_store")
    target = FeatureStore.open(stores / "target_store")
    for row in table:
        x = pool.read([pool.image_ids.index(row["image"])])[0]
        q = target.read([target.image_ids.index(row["query"])])[0]
        assert float(row["score"]) == pytest.approx(float(x @ q), abs=1e-5)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["selected"] == 10
    assert summary["pool"]["unusable"] == 1
    assert summary["queries"]["queries"] == 6
    assert lines(out / "dropped.csv") == [
        {
            "image": "a/007.png",
            "store": "pool",
            "reason": "unusable feature",
            "match": "",
            "match_store": "",
            "score": "",
            "pixel_agreement": "",
            "transform": "",
        }
    ]
    assert "a/007.png" not in chosen
    text = capsys.readouterr().out
    assert "to read a pass" in text
    assert f"selection={out / 'selection.txt'}" in text
    assert not (out / "report.html").exists()


def test_report_is_written_and_missing_images_do_not_matter(stores, tool, capsys):
    (stores / "images" / "a" / "000.png").unlink()
    argv = ("--exclude", str(stores / "val_store"))
    tool.main(command(stores, *argv))
    page = (stores / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") > 20
    assert "missing" in page
    assert "Dropped as copies of held-out images" in page
    assert "report.html" in capsys.readouterr().out
    tool.main(command(stores, *argv, "--pool-root", str(stores / "gone"), out="two"))
    other = (stores / "two" / "report.html").read_text(encoding="utf-8")
    assert other.count("missing") > 20


def test_excluded_images_are_not_selected_and_listed(stores, tool, capsys):
    tool.main(command(stores, "--no-report", "--exclude", str(stores / "val_store")))
    chosen = (stores / "out" / "selection.txt").read_text().splitlines()
    dropped = lines(stores / "out" / "dropped.csv")
    assert [row["image"] for row in dropped[:2]] == ["a/002.png", "b/013.png"]
    assert dropped[0]["match"] == "000.png"
    assert {row["reason"] for row in dropped[:2]} == {"identical file"}
    assert float(dropped[0]["pixel_agreement"]) > 0.99
    assert not {"a/002.png", "b/013.png"} & set(chosen)
    assert "copies of excluded images" in capsys.readouterr().out
    (facts,) = json.loads((stores / "out" / "summary.json").read_text())["leak_guard"]
    assert facts["method"] == "pixels" and set(facts["recall"]) == set(STRENGTHS)


def test_features_alone_say_that_they_are_not_calibrated(stores, tool, capsys):
    argv = ("--no-report", "--exclude", str(stores / "val_store"))
    tool.main(command(stores, *argv, "--pool-root", str(stores / "gone")))
    dropped = lines(stores / "out" / "dropped.csv")
    assert [row["image"] for row in dropped[:2]] == ["a/002.png", "b/013.png"]
    assert {row["reason"] for row in dropped[:2]} == {"near-duplicate"}
    assert "not calibrated" in capsys.readouterr().out
    tool.main(command(stores, *argv, "--leak-threshold", "0.9999", out="two"))
    (facts,) = json.loads((stores / "two" / "summary.json").read_text())["leak_guard"]
    assert facts["threshold"] == 0.9999 and facts["recall"] is None


def test_pixels_that_are_not_there_cannot_be_compared(stores, tool):
    argv = ("--exclude", str(stores / "val_store"), "--leak-guard", "pixels")
    argv = command(stores, *argv, "--pool-root", str(stores / "gone"))
    assert "--pool-root" in failure_of(tool, argv)


def test_a_similarity_of_features_is_no_threshold_of_pixels(stores, tool):
    argv = ("--exclude", str(stores / "val_store"), "--leak-guard", "pixels")
    argv = command(stores, *argv, "--leak-threshold", "0.9")
    assert "leave it out" in failure_of(tool, argv)


def test_rerun_is_recognised_and_other_inputs_are_refused(stores, tool, capsys):
    tool.main(command(stores, "--no-report"))
    file = stores / "out" / "selection.txt"
    before = file.stat().st_mtime_ns
    tool.main(command(stores, "--no-report"))
    assert "nothing to do" in capsys.readouterr().out
    assert file.stat().st_mtime_ns == before
    assert "--overwrite" in failure_of(tool, command(stores, budget="11"))
    tool.main(command(stores, "--no-report", "--overwrite", budget="11"))
    assert len(file.read_text().splitlines()) == 11


def test_a_folder_with_anything_else_is_never_replaced(stores, tool):
    (stores / "out").mkdir()
    (stores / "out" / "thesis.tex").write_text("years of work")
    assert "thesis.tex" in failure_of(tool, command(stores, "--overwrite"))
    assert "thesis.tex" in failure_of(tool, command(stores))
    assert (stores / "out" / "thesis.tex").read_text() == "years of work"


def test_budget_of_the_pool_or_more_selects_all_and_warns(stores, tool, capsys):
    for budget in ("39", "500", "100%"):
        tool.main(command(stores, "--no-report", budget=budget, out=f"o{budget}"))
        assert "whole pool" in capsys.readouterr().out
        chosen = (stores / f"o{budget}" / "selection.txt").read_text().splitlines()
        assert len(set(chosen)) == 39


@pytest.mark.parametrize("budget", ["0", "-5", "0%", "lots"])
def test_bad_budget(stores, tool, budget):
    argv = command(stores, f"--budget={budget}")
    assert "budget" in failure_of(tool, argv)
    assert not (stores / "out").exists()


def test_stores_of_another_extractor_or_dim(stores, tool):
    images = stores / "target"
    import_folder(stores / "wide", images, np.ones((6, 9)))
    assert "dim" in failure_of(tool, command(stores, target="wide"))
    import_folder(stores / "other", images, np.ones((6, 8)), extractor="f")
    assert "extractor" in failure_of(tool, command(stores, target="other"))
    argv = command(stores, "--exclude", str(stores / "other"))
    assert "extractor" in failure_of(tool, argv)
    assert "not a feature store" in failure_of(tool, command(stores, target="images"))
    assert not (stores / "out").exists()


def test_target_or_pool_without_usable_features(stores, tool):
    import_folder(stores / "zeros", stores / "target", np.zeros((6, 8)))
    assert "no target image" in failure_of(tool, command(stores, target="zeros"))
    import_folder(stores / "nan", stores / "images", np.full((40, 8), np.nan))
    argv = command(stores, "--pool", str(stores / "nan"))
    assert "no pool image" in failure_of(tool, argv)


def test_other_bad_input(stores, tool):
    sources = ("--policy", "random_by_source")
    assert "--sources" in failure_of(tool, command(stores, *sources))
    words = failure_of(tool, command(stores, "--leak-threshold", "7"))
    assert "--leak-threshold must be a number from -1 to 1" in words
    (stores / "file").write_text("")
    assert "is a file" in failure_of(tool, command(stores, out="file", budget="3"))


def test_sources_are_measured(stores, tool, capsys):
    ids = FeatureStore.open(stores / "pool_store").image_ids
    table = "".join(f"{image},{image[0]}\n" for image in ids)
    (stores / "s.csv").write_text("image,source\n" + table)
    argv = ["--no-report", "--sources", str(stores / "s.csv")]
    tool.main(command(stores, *argv, "--policy", "random_by_source"))
    summary = json.loads((stores / "out" / "summary.json").read_text())
    assert summary["sources"]["a"]["selected"] == 5
    assert summary["sources"]["b"]["pool_share"] == 0.5
    assert "source a" in capsys.readouterr().out


def test_file_names_that_are_not_utf_8(stores, tool):
    images = stores / "images"
    odd = os.fsdecode(b"caf\xe9.png")
    (images / "b" / "019.png").rename(images / "b" / odd)
    features = np.random.default_rng(0).standard_normal((40, 8))
    import_folder(stores / "odd_store", images, features)
    argv = command(stores, "--pool", str(stores / "odd_store"), budget="100%")
    tool.main(argv)
    name = b"b/caf\xe9.png"
    assert name in (stores / "out" / "selection.txt").read_bytes().split(b"\n")
    assert b"," + name + b"," in (stores / "out" / "selection.csv").read_bytes()
    assert (stores / "out" / "report.html").stat().st_size > 10_000


def test_two_targets(stores, tool):
    argv = command(stores, "--no-report")
    argv.insert(argv.index("--budget"), str(stores / "val_store"))
    tool.main(argv)
    table = lines(stores / "out" / "selection.csv")
    assert {row["query"].split(":")[0] for row in table} == {
        "target_store",
        "val_store",
    }


def test_a_failure_while_writing_leaves_nothing(stores, tool, monkeypatch):
    from mmtaskssl.selection import output

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output, "write_json", fail)
    assert "No space left" in failure_of(tool, command(stores, "--no-report"))
    assert not list(stores.glob("*out*"))


def test_images_are_taken_with_a_network(tool, tmp_path, capsys):
    for name in ("pool", "target"):
        make_image_folder(tmp_path / name, 4, ("a", "b"), size=40)
    argv = ["--pool", str(tmp_path / "pool"), "--target", str(tmp_path / "target")]
    argv += ["--budget", "3", "--out", str(tmp_path / "out"), "--no-report"]
    assert "not a feature store" in failure_of(tool, argv)
    assert "--network takes" in failure_of(tool, [*argv, "--network", *"abc"])
    tool.main([*argv, "--network", "torchvision:resnet18", "random"])
    assert "3 of 8" in capsys.readouterr().out
    assert len((tmp_path / "out" / "selection.txt").read_text().split()) == 3


def test_wishes_reach_the_selection(stores, tool, capsys):
    targets = [str(stores / name) for name in ("target_store", "val_store")]
    argv = [
        *("--pool", str(stores / "pool_store"), "--target", *targets),
        *("--budget", "8", "--out", str(stores / "out"), "--no-report"),
        *("--target-weights", "3", "1", "--per-query", "3", "--per-source", "5"),
        *("--min-similarity", "-0.5", "--mmr-lambda", "0.7"),
        *("--unlike", str(stores / "val_store"), "--unlike-last"),
        *("--hits", str(stores / "hits"), "--sources", str(stores / "sources.csv")),
    ]
    ids = FeatureStore.open(stores / "pool_store").image_ids
    text = "".join(f"{name},{name[0]}\n" for name in ids)
    (stores / "sources.csv").write_text("image,source\n" + text)
    tool.main(argv)
    summary = json.loads((stores / "out" / "summary.json").read_text())
    assert summary["limits"] == {
        "target_weights": [3, 1],
        "per_query": 3,
        "per_source": 5,
        "min_similarity": -0.5,
        "mmr_lambda": 0.7,
        "unlike_last": True,
    }
    assert [one["wanted"] for one in summary["target"]["selected"]] == [6, 2]
    assert summary["unlike"] == [str(stores / "val_store")]
    assert {share["selected"] for share in summary["sources"].values()} <= {3, 4, 5}
    assert [path.suffix for path in (stores / "hits").iterdir()] == [".npz"]
    tool.main(argv)
    assert "nothing to do" in capsys.readouterr().out
    assert "--overwrite" in failure_of(tool, [*argv, "--per-class", "2"])
    one = command(stores, "--target-weights", "1", "2", out="two")
    assert "--target-weights" in failure_of(tool, one)
    assert "--per-source" in failure_of(tool, command(stores, "--per-source", "2"))


def test_removed_images_and_copies_are_not_selected(stores, tool, capsys):
    (stores / "gone.txt").write_text("a/000.png\na/001.png\n")
    extract = load_tool("extract_features")
    pool = str(stores / "pool_store")
    extract.main(["--remove", str(stores / "gone.txt"), "--out", pool])
    assert "38 images" in capsys.readouterr().out
    argv = ["--remove", str(stores / "gone.txt"), "--out", pool, "--append"]
    assert "--remove computes nothing" in failure_of(extract, argv)
    argv = ["--from-npy", "x.npy", "--boxes", "y.json", "--out", pool]
    assert "--boxes needs the network" in failure_of(extract, argv)
    load_tool("deduplicate").main(
        [
            *(pool, "--out", str(stores / "alike"), "--by", "features"),
            *("--threshold", "0.6", "--keep", "first"),
        ]
    )
    ids = FeatureStore.open(pool).image_ids[2:]  # the table has those that are there
    text = "".join(f"{name},{name[0]}\n" for name in ids)
    (stores / "sources.csv").write_text("image,source\n" + text)
    tool.main(
        [
            *command(stores, "--duplicates", str(stores / "alike"), budget="100"),
            *("--sources", str(stores / "sources.csv")),
        ]
    )
    chosen = (stores / "out" / "selection.txt").read_text().splitlines()
    stays = {*(stores / "alike" / "kept.txt").read_text().splitlines()}
    assert not {"a/000.png", "a/001.png"} & {*chosen}
    assert {*chosen} == stays - {"a/007.png"}
    summary = json.loads((stores / "out" / "summary.json").read_text())
    assert summary["pool"]["images"] == 38 and summary["pool"]["removed"] == 2
    assert [share["pool"] for share in summary["sources"].values()] == [18, 20]
    assert summary["pool"]["copies"] == 38 - len(stays) > 0
    assert {line["reason"] for line in lines(stores / "out" / "dropped.csv")} == {
        *("copy in the pool", "unusable feature")
    }
