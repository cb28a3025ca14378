import re

import pytest

from mmtaskssl.cli import extract_features, plans, trial
from mmtaskssl.features.runner import BatchRunner
from tests._images import make_image_folder
from tests.test_cli._plans import NETWORK, near, plan_and_run

pytestmark = pytest.mark.usefixtures("trials_here")


def test_extraction(tmp_path, images):
    out = tmp_path / "store"
    argv = [*NETWORK, "--images", str(images), "--out", str(out)]
    argv += ["--rows-per-shard", "32"]
    plan, written = plan_and_run(extract_features, "of_extract", argv, out)
    assert plan.count == 100 and near(plan.writes, written)
    size = sum(p.stat().st_size for p in images.rglob("*.png"))
    assert near(plan.reads, size) and {*plan.parts} == {"decode", "network"}
    (out / "shard-00001.npy").unlink()  # what is done is not planned again
    args = extract_features.make_parser().parse_args(argv)
    assert plans.of_extract(args, argv).count == 32


def test_a_command_with_it_prints_and_does_nothing(tmp_path, images, capsys):
    out = tmp_path / "store"
    argv = [*NETWORK, "--images", str(images), "--out", str(out), "--dry-run"]
    extract_features.main(argv)
    said = capsys.readouterr().out
    assert not out.exists() and "100 images, 512 features each" in said
    assert re.search(r"decode\s+\d+\.\d+ ms an image", said) and "1 pass" in said


def test_objects_are_planned(tmp_path):
    image = make_image_folder(tmp_path / "images", 6, ("a",), 40)
    (tmp_path / "xml").mkdir()
    for n, path in enumerate(sorted(image.rglob("*.png"))[:5]):
        boxes = "".join(
            "<object><name>x</name><bndbox>"
            f"<xmin>{5 + k}</xmin><ymin>5</ymin><xmax>{20 + k}</xmax><ymax>30</ymax>"
            "</bndbox></object>"
            for k in range(10 * n)
        )
        text = f"<annotation><size><width>40</width><height>40</height></size>{boxes}"
        (tmp_path / "xml" / f"{path.stem}.xml").write_text(f"{text}</annotation>")
    out = tmp_path / "store"
    argv = [*NETWORK, "--images", str(image), "--out", str(out)]
    argv += ["--boxes", str(tmp_path / "xml"), "--rows-per-shard", "30"]
    plan, written = plan_and_run(extract_features, "of_extract", argv, out)
    assert plan.count == 100 and near(plan.writes, written)
    assert plan.what.startswith("100 objects in 4 images")


def test_copies_of_images_are_planned(tmp_path, images):
    out = tmp_path / "store"
    argv = [*NETWORK, "--images", str(images), "--out", str(out), "--leak-copies"]
    plan, written = plan_and_run(extract_features, "of_extract", argv, out)
    assert plan.count == 600 and near(plan.writes, written)
    assert plan.what.startswith("100 images and 500 copies")
    size = sum(p.stat().st_size for p in images.rglob("*.png"))
    assert near(plan.reads, 6 * size)
    args = extract_features.make_parser().parse_args(argv)
    assert plans.of_extract(args, argv).count == 0  # all is there


def test_a_table_counts_too(tmp_path, images):
    out, table = tmp_path / "store", tmp_path / "table.parquet"
    argv = [*NETWORK, "--images", str(images), "--out", str(out)]
    argv += ["--labels", "folder", "--to-parquet", str(table)]
    plan, written = plan_and_run(extract_features, "of_extract", argv, out)
    assert near(plan.writes, written + table.stat().st_size)


def test_memory_is_that_of_whole_batches(tmp_path, images, monkeypatch):
    sizes, forward = [], BatchRunner.forward

    def counted(self, batch):
        sizes.append(len(batch))
        return forward(self, batch)

    monkeypatch.setattr(BatchRunner, "forward", counted)
    monkeypatch.setattr(
        trial, "run", lambda *_: trial.Trial((1, 2), 1.0, *[(1, 2)] * 3)
    )
    argv = [*NETWORK, "--images", str(images), "--out", str(tmp_path / "o")]
    for batch, largest in (("90", 90), ("128", 100), ("16", 16)):
        line = [*argv, "--batch-size", batch]
        plans.of_extract(extract_features.make_parser().parse_args(line), line)
        assert max(sizes) == largest
        sizes.clear()
