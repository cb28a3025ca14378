"""What a reader of the pages has: images, labels, features, networks."""

import json
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image

from mmtaskssl.apis import Selected, export, import_features, pretrain, select
from tests._images import make_image_folder
from tests._public_sets import make_public_sets

_DEBUG = "1xb16-coslr-12i_debug-32px.py"
#: Kind -> (config, options of its one step).
NETWORKS = {
    "folder": "selfsup/simsiam/simsiam_resnet10-w32_1xb128-coslr-2k_folder-40px.py",
    "supernet": f"data/supernet-mocov2_dynamic-resnet-basic_{_DEBUG}",
    "slimmable": f"dspnet/dspnet-byol_slimmable-resnet18-w8_{_DEBUG}",
    "detector": "transfer/detection/bccd/faster-rcnn_fpn_1xb8-250i_bccd-320px.py",
}
#: A stock ResNet-18, drawn.
STOCK = "dspnet/dspnet-byol_slimmable-resnet18_1xb256-coslr-20k_folder-64px.py"
_QUIET = {"log_level": "WARNING", "train_dataloader.num_workers": 0}
_XML = (
    "<annotation><filename>{}</filename><size><width>{}</width><height>{}</height>"
    "<depth>3</depth></size><object><name>{}</name><bndbox><xmin>5</xmin>"
    "<ymin>5</ymin><xmax>24</xmax><ymax>24</ymax></bndbox></object></annotation>"
)
IMAGES = 72
SIDE = 40


class World:
    """Folders of one session; made when they are first asked for.

    Args:
        root: Receives all of them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        make_image_folder(root / "pool", IMAGES, (), SIDE)
        names = [f"{i:03d}.png" for i in range(IMAGES)]
        for part, seed in (("train", 1), ("test", 2)):
            make_image_folder(root / "target" / part, 8, ("a", "b"), SIDE, seed)
        (root / "selection.txt").write_text("\n".join(names[:32]) + "\n")
        _write_features(root, names)
        for number in range(2):
            with tarfile.open(root / f"pool-{number:03d}.tar", "w") as shard:
                for name in names[number::2]:
                    shard.add(root / "pool" / name, name)
        _write_labels(root)
        for name in ("birds", "cars"):
            shutil.copytree(root / "target", root / name)
        self._networks: dict[str, tuple[str, str]] = {}
        self._has_public_sets = False

    def network(self, kind: str) -> tuple[str, str]:
        """Returns a config and its checkpoint, of one step."""
        if kind == "stock":
            return STOCK, "random"
        if kind not in self._networks:
            options = {"train_dataloader.batch_size": 8, **_QUIET}
            if kind == "detector":
                self.bccd()
                data = f"{self.root / 'data' / 'bccd'}/"
                options |= {"train_dataloader.batch_size": 2, "data_root": data}
            trained = pretrain(
                NETWORKS[kind],
                images=self.root / "pool" if kind == "folder" else None,
                iters=1,
                work_dir=self.root / "nets" / kind,
                cfg_options=options,
            )
            self._networks[kind] = NETWORKS[kind], str(trained.checkpoint)
        return self._networks[kind]

    def export(self, kind: str) -> str:
        """Returns the folder of an export."""
        name = self.root / f"exports-{kind}"
        config, checkpoint = self.network(kind)
        if not name.is_dir():
            export((config, checkpoint), "MAX").save(name)
        (found,) = name.iterdir()
        return str(found)

    def selected(self) -> Selected:
        """Returns a selection of the pool."""
        pool = import_features(
            self.root / "features.npy", self.root / "ids.txt", root=self.root / "pool"
        )
        return select(pool, pool, budget=16)

    def stores(self) -> None:
        """Makes the stores ``stores/pool`` and ``stores/target``."""
        if not (self.root / "stores").is_dir():
            for name in ("pool", "target"):
                import_features(
                    self.root / "features.npy",
                    self.root / "ids.txt",
                    out=self.root / "stores" / name,
                    root=self.root / "pool",
                )

    def voc(self) -> None:
        """Writes the Pascal VOC folder ``voc``, with both parts."""
        self._write_voc(self.root / "voc", {"train": "train", "test": "test"})

    def seg(self) -> None:
        """Writes ``seg``: images, and label maps of two classes and a background."""
        if (folder := self.root / "seg").is_dir():
            return
        for name in ("images", "masks"):
            (folder / name).mkdir(parents=True)
        for number, path in enumerate(sorted((self.root / "target").rglob("*.png"))):
            name = f"{number:03d}.png"
            shutil.copy(path, folder / "images" / name)
            mask = np.zeros((SIDE, SIDE), np.uint8)
            mask[4:24, 4:24] = 1 + number % 2
            Image.fromarray(mask).save(folder / "masks" / name)

    def bccd(self) -> None:
        """Writes ``data/bccd`` as that set lies, of other images."""
        parts = {"train": "trainval", "test": "test"}
        names = {"a": "WBC", "b": "RBC"}
        self._write_voc(self.root / "data" / "bccd", parts, names)

    def _write_voc(
        self, folder: Path, parts: dict[str, str], called: dict[str, str] | None = None
    ) -> None:
        if folder.is_dir():
            return
        lists = folder / "ImageSets" / "Main"
        for one in (lists, folder / "JPEGImages", folder / "Annotations"):
            one.mkdir(parents=True)
        for part, file in parts.items():
            names = []
            for path in sorted((self.root / "target" / part).rglob("*.png")):
                kind = path.parent.name
                names.append(f"{part}-{kind}-{path.stem}")
                image = folder / "JPEGImages" / f"{names[-1]}.jpg"
                Image.open(path).save(image, quality=95)
                kind = (called or {}).get(kind, kind)
                text = _XML.format(image.name, SIDE, SIDE, kind)
                (folder / "Annotations" / f"{names[-1]}.xml").write_text(text)
            (lists / f"{file}.txt").write_text("\n".join(names) + "\n")

    def coco(self) -> None:
        """Writes ``data/coco`` as that set lies: two images a part, all its classes."""
        folder = self.root / "data" / "coco"
        if folder.is_dir():
            return
        from mmdet.datasets import CocoDataset

        names = CocoDataset.METAINFO["classes"]
        (folder / "annotations").mkdir(parents=True)
        for part, called in (("train", "train2017"), ("test", "val2017")):
            content = json.loads((self.root / f"annotations/{part}.json").read_text())
            content["images"] = content["images"][:2]
            (folder / called).mkdir()
            for image in content["images"]:
                source = self.root / "annotations" / "images" / image["file_name"]
                shutil.copy(source, folder / called)
            kept = [a for a in content["annotations"] if a["image_id"] < 2]
            ids = [{"id": i, "name": name} for i, name in enumerate(names, 1)]
            content |= {"annotations": kept, "categories": ids}
            file = folder / "annotations" / f"instances_{called}.json"
            file.write_text(json.dumps(content))

    def resnet50(self) -> None:
        """Writes ``resnet50.pth``, as torchvision's own weights lie."""
        if not (self.root / "resnet50.pth").is_file():
            network = torchvision.models.resnet50()
            torch.save(network.state_dict(), self.root / "resnet50.pth")

    def public_sets(self) -> Path:
        """Returns a data root with two of the public sets."""
        if not self._has_public_sets:
            make_public_sets(self.root / "data", ("cifar10", "voc2007"))
            self._has_public_sets = True
        return self.root / "data"

    def fill(self, page: Path) -> None:
        """Puts beside a page's commands the files that they name as ``file``."""
        for name in ("features.npy", "ids.txt", "pool.npy", "target.npy", "labels.csv"):
            os.link(self.root / name, page / name)
        for name in ("img_emb", "metadata", "annotations"):
            shutil.copytree(self.root / name, page / name, copy_function=os.link)


def _write_features(root: Path, names: list[str]) -> None:
    x = np.random.default_rng(0).normal(size=(len(names), 16)).astype(np.float32)
    np.save(root / "features.npy", x)
    (root / "ids.txt").write_text("\n".join(names) + "\n")
    np.save(root / "pool.npy", x[:2])
    np.save(root / "target.npy", x[2:3])
    (root / "img_emb").mkdir()
    (root / "metadata").mkdir()
    for part in range(2):
        np.save(
            root / "img_emb" / f"img_emb_{part}.npy", x[36 * part : 36 * (part + 1)]
        )
    import pyarrow as pa
    from pyarrow import parquet

    for part in range(2):
        ids = pa.table({"image_path": names[36 * part : 36 * (part + 1)]})
        parquet.write_table(ids, root / "metadata" / f"metadata_{part}.parquet")


def _write_labels(root: Path) -> None:
    target = root / "target"
    rows = ["image,label,split"]
    for part in ("train", "test"):
        for path in sorted((target / part).rglob("*.png")):
            rows.append(f"{path},{path.parent.name},{part}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    for part in ("train", "test"):
        folder = root / "annotations"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        images, boxes = [], []
        for number, path in enumerate(sorted((target / part).rglob("*.png"))):
            name = f"{part}-{number}.png"
            shutil.copy(path, folder / "images" / name)
            images.append(
                {"id": number, "file_name": name, "width": SIDE, "height": SIDE}
            )
            box = {"id": number, "image_id": number, "bbox": [4, 4, 20, 20]}
            boxes.append(
                box | {"category_id": number % 2 + 1, "area": 400, "iscrowd": 0}
            )
        content = {"images": images, "annotations": boxes}
        content["categories"] = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
        (folder / f"{part}.json").write_text(json.dumps(content))
