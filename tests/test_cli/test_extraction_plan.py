import json
import re

import numpy as np
import pytest
from PIL import Image

from mmtaskssl.cli import extract_features, plans, trial
from mmtaskssl.features.runner import BatchRunner
from mmtaskssl.features.store import FeatureStore
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


@pytest.mark.parametrize(("form", "how"), [("maps", "component"), ("coco", "class")])
def test_regions_of_masks_are_planned(tmp_path, how, form):
    images = make_image_folder(tmp_path / "images", 30, ("a",), 80)
    masks = tmp_path / "masks" if form == "maps" else tmp_path / "coco.json"
    write_masks(images, masks)
    out = tmp_path / "store"
    argv = [*NETWORK, "--images", str(images), "--out", str(out)]
    argv += ["--regions", str(masks), "--regions-of", how, "--least-area", "60"]
    argv += ["--rows-per-shard", "32", "--around", "grey"]
    argv += ["--void", "0"] if form == "maps" else []
    plan, written = plan_and_run(extract_features, "of_extract", argv, out)
    count = 10 * (1 + 2 + 3) if how == "component" else 30
    assert plan.count == count == len(FeatureStore.open(out))
    assert plan.what.startswith(f"{count} regions in 30 images")
    assert near(plan.writes, written)
    parts = [i.partition("@")[0] for i in FeatureStore.open(out).image_ids]
    size = sum((images / image).stat().st_size for image in parts)
    size += sum(
        p.stat().st_size for p in [masks, *masks.rglob("*.png")][form == "maps" :]
    )
    assert near(plan.reads, size)


def write_masks(images, masks):
    """Draws one to three squares of 10 x 10 for each image; in maps smaller ones."""
    entries, objects = [], []
    for n, path in enumerate(sorted(images.rglob("*.png"))):
        name = path.relative_to(images)
        entries.append({"id": n, "file_name": str(name), "width": 80, "height": 80})
        drawn = np.zeros((80, 80), np.uint8)
        drawn[50:53, 50:53] = 1
        for k in range(n % 3 + 1):
            x, y = 20 * k + 2, 5
            drawn[y : y + 10, x : x + 10] = 1
            shape = [[x, y, x + 10, y, x + 10, y + 10, x, y + 10]]
            one = {"id": len(objects), "image_id": n, "category_id": 1}
            objects.append({**one, "bbox": [x, y, 10, 10], "segmentation": shape})
        if masks.suffix != ".json":
            (masks / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(drawn).save(masks / name)
    if masks.suffix == ".json":
        kinds = [{"id": 1, "name": "x"}]
        content = {"images": entries, "annotations": objects, "categories": kinds}
        masks.write_text(json.dumps(content))
