import json

import pytest

from studies.pool_study import Place
from studies.students import ARMS, SIDE, StudentStudy
from studies.study import read_json
from tests._images import make_image_folder


@pytest.fixture
def study(tmp_path):
    data = tmp_path / "data"
    make_image_folder(data / "pool" / "images", n_per_class=2, size=40)
    for split in ("train", "test"):
        folder = data / "classification" / "a" / split
        make_image_folder(folder, n_per_class=5, size=40)
    rows = [f"{i:03d}.jpg,{'a' if i % 2 else 'c'}" for i in range(12)]
    sources = "\n".join(["image,source", *rows]) + "\n"
    (data / "pool" / "sources.csv").write_text(sources)
    return StudentStudy(Place(data, tmp_path / "out", ["a"], 2), "w.pth", budget=4)


def _write(study, seed, arm, value):
    file = study.result(seed, SIDE, arm, "a")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"test": {"knn": value - 1, "linear": value}}))


def test_the_untrained_network_is_measured_and_kept(study):
    study._scratch(0)
    file = study.result(0, SIDE, "scratch", "a")
    found = read_json(file)
    assert set(found["test"]) == {"knn", "linear"}
    assert all(len(folds) == 5 for folds in found["inner"].values())
    before = file.stat().st_mtime_ns
    study._scratch(0)
    assert file.stat().st_mtime_ns == before


def test_an_arm_trains_on_its_images_with_its_recipe(study, monkeypatch):
    calls = []

    def pretrain(*place, config, options):
        calls.append((place, config.stem.split("_")[0], options))
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "pretrain", pretrain)
    for recipe, data, target in (
        ("ssl", "pool", None),
        ("taught", "random", None),
        ("taught", "sept", "a"),
    ):
        with pytest.raises(KeyboardInterrupt):
            study._train(1, recipe, data, target)
    whole, drawn, sept = calls
    assert whole == ((1, "ssl-pool"), "mocov2", [])
    assert drawn[1] == "distill" and drawn[0][2] == "--teacher"
    assert drawn[2] == [f"selection={study.drawn(1)}"]
    assert sept[2] == [f"selection={study.selection('a')}"]


def test_the_pool_is_taught_once(study):
    names = [cell.args for cell in study.cells() if cell.func == study._train]
    assert names.count((0, "taught", "pool")) == 1
    assert (1, "taught", "pool") not in names and (1, "ssl", "pool") in names
    assert len({*names}) == len(names)


def test_tables_pair_the_seeds(study):
    for seed in range(2):
        for arm, value in (("scratch", 20), ("ssl-sept", 30), ("taught-sept", 42)):
            _write(study, seed, arm, value + seed)
    text = study.tables()
    assert "untrained: +22.0" in text and ARMS["ssl-sept"] + ": +12.0" in text


def test_a_store_that_was_begun_is_no_store(study, monkeypatch):
    asked = []

    def run(name, done, command, *arguments, **options):
        if command == "extract":
            asked.append((name, done()))

    monkeypatch.setattr(study.steps, "run", run)
    begun = study.out / "features" / "a"
    begun.mkdir(parents=True)
    (begun / "manifest.json").write_text("{}")
    study.select("a")
    assert asked == [("features of pool", False), ("features of a", False)]
