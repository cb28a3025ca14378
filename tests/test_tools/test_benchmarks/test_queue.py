import json

import pytest

from studies.pool_study import Place
from studies.queue_length import QueueLength


@pytest.fixture
def study(tmp_path):
    (tmp_path / "data" / "pool" / "images").mkdir(parents=True)
    (tmp_path / "data" / "classification" / "a").mkdir(parents=True)
    rows = [f"{i:03d}.jpg,{'a' if i % 2 else 'b'}" for i in range(40)]
    sources = "\n".join(["image,source", *rows]) + "\n"
    (tmp_path / "data" / "pool" / "sources.csv").write_text(sources)
    place = Place(tmp_path / "data", tmp_path / "out", ["a"], 2)
    return QueueLength(place, [16, 8], [0.25, 4], 10, batch_size=4)


def _write(study, seed, arm, value):
    file = study.result(seed, arm, "a", "knn")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"metrics": {"top1": {"mean": value}}}))


def test_table_shows_what_is_done_and_no_queue_shorter_than_a_batch(study):
    for seed, value in enumerate((60.0, 62.0)):
        _write(study, seed, "untrained", value - 20)
        _write(study, seed, "K16-queue4", value)
    _write(study, 0, "K16-queue64", 50.0)
    _write(study, 0, "K8-queue4", 55.0)
    lines = study.tables().splitlines()
    assert lines[2] == "| target | K | untrained | 1/4 K | 4 K |"
    assert lines[4:] == [
        "| a | 16 | 41.0 ± 1.4 | 61.0 ± 1.4 (4) | 50.0 (64) |",
        "| a | 8 | 41.0 ± 1.4 | 55.0 (4) | - (32) |",
    ]


def test_images_are_of_the_targets_source_and_smaller_sets_lie_in_larger(study):
    large, small = (
        study._chosen(0, "a", size).read_text().split() for size in study.sizes
    )
    assert len(large) == 16 and small == large[:8]
    assert all(study.sources[image] == "a" for image in large)
    assert study._chosen(1, "a", 16).read_text().split() != large
