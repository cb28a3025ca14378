"""A folder of very many images: listed by the folder, not by the file."""

import os
import tracemalloc

from mmtaskssl.datasets import images
from mmtaskssl.datasets.images import list_images
from mmtaskssl.features import plan

MANY = 50_000


def test_fifty_thousand_in_one_folder(tmp_path, monkeypatch):
    folder = tmp_path / "pool" / "all"
    folder.mkdir(parents=True)
    (folder / "0.jpg").touch()
    place = os.open(folder, os.O_RDONLY)
    for number in range(1, MANY):  # links: made in no time, read as any file
        os.link("0.jpg", f"{number}.jpg", src_dir_fd=place, dst_dir_fd=place)
    os.close(place)
    looked, relative = [], images._relative
    monkeypatch.setattr(
        images,
        "_relative",
        lambda path, *args: looked.append(path) or relative(path, *args),
    )
    tracemalloc.start()
    base, ids = list_images(tmp_path / "pool")
    plan.check_ids(ids)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert base == tmp_path / "pool" and len(ids) == MANY
    assert ids == sorted(f"all/{number}.jpg" for number in range(MANY))
    assert len(looked) == 1  # paths are resolved once a folder
    assert peak < 500 * MANY  # bytes
