"""Pages with and without images: `thumbnails=False`, ``--no-images``."""

import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.cli.main import run as cli
from mmtaskssl.clustering.folder import cluster_to_folder
from mmtaskssl.clustering.options import Options as ClusterOptions
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.report import Thumbnails, showing, shows
from mmtaskssl.selection.folder import select_to_folder
from mmtaskssl.selection.options import Options
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder


@pytest.fixture
def stores(tmp_path):
    """Features of a pool and a target whose images are there."""
    rng, found = np.random.default_rng(0), []
    for name, count in (("pool", 40), ("target", 6)):
        root = make_image_folder(tmp_path / f"{name}-images", count, (), size=12)
        ids = []
        for file in sorted(root.iterdir()):
            ids.append(f"{name}-patient-{file.stem}.png")
            file.rename(root / ids[-1])
        x = rng.normal(size=(count, 8))
        found.append(MemoryStore(x, ids, name=name, root=str(root)))
    return found


def assert_without_images(page: str) -> None:
    assert "data:image" not in page and "<img" not in page
    assert "patient" not in page
    assert "<svg" in page or "<table" in page  # charts and figures stay


def test_a_selection_and_clusters_can_do_without(stores, tmp_path):
    pool, target = stores
    with_images = apis.select(pool, target, 6)
    assert "data:image/jpeg" in with_images.page() and "patient" in with_images.page()
    selected = apis.select(pool, target, 6, thumbnails=False)
    assert selected.image_ids == with_images.image_ids
    assert_without_images(selected.page())
    folder = selected.save(tmp_path / "s")
    assert_without_images((folder / "report.html").read_text())
    clusters = apis.cluster(pool, "2x2", thumbnails=False)
    assert_without_images(clusters.page())
    assert "data:image/jpeg" in apis.cluster(pool, "2x2").page()
    with pytest.raises(UserError, match="`thumbnails`"):
        apis.select(pool, target, 6, thumbnails="no")


def test_a_page_that_shows_them_gives_way(stores, tmp_path):
    """What is complete is written again where only the page differs, and back."""
    pool, target = stores

    def select(thumbnails):
        return select_to_folder(
            *(tmp_path / "s", pool, target, 6, Options()), thumbnails=thumbnails
        )

    def cluster(thumbnails):
        return cluster_to_folder(
            *(tmp_path / "c", pool, ClusterOptions((2, 2))), thumbnails=thumbnails
        )

    for make, folder in ((select, tmp_path / "s"), (cluster, tmp_path / "c")):
        page = folder / "report.html"
        assert make(True)[1] and "data:image/jpeg" in page.read_text()
        assert make(False)[1]
        assert_without_images(page.read_text())
        assert not make(False)[1]
        with showing(False):  # of an outer call
            assert not make(True)[1]
        assert make(True)[1] and "data:image/jpeg" in page.read_text()
        assert not make(True)[1]


def test_the_flag(stores, tmp_path):
    folders = [str(one.save(tmp_path / one.path.name)) for one in stores]
    page = tmp_path / "out" / "report.html"
    command = ["select", "--pool", folders[0], "--target", folders[1]]
    command += ["--budget", "6", "--out", str(page.parent), "--device", "cpu"]
    assert cli([*command, "--no-images"]) in (0, None)
    assert_without_images(page.read_text())
    assert cli(command) in (0, None)
    assert "data:image/jpeg" in page.read_text()


def test_an_inner_call_shows_nothing_that_an_outer_one_leaves_out(tmp_path):
    make_image_folder(tmp_path, 1, ())
    file = next(tmp_path.glob("*.png"))
    with showing(False) as outer, showing(True) as inner:
        tag = Thumbnails().tag(file, "patient 1")
        assert not outer and not inner
        assert "left out" in tag and "patient" not in tag
        assert "patient" not in Thumbnails().name("patient 1")
    assert "data:image/jpeg" in Thumbnails().tag(file, "patient 1")
    assert shows(tmp_path / "absent.html", False)
