"""Tars of images."""

import io
import tarfile
from pathlib import Path


def pack(folder, out, shards=2) -> list[Path]:
    """Packs the files of a folder into ``out/pool-N.tar``, in sorted order.

    Beside each image lies a text, as in WebDataset's samples.
    """
    folder, out = Path(folder), Path(out)
    out.mkdir(parents=True, exist_ok=True)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    made = []
    for number in range(shards):
        made.append(out / f"pool-{number:03d}.tar")
        with tarfile.open(made[-1], "w") as tar:
            for path in files[
                number * len(files) // shards : (number + 1) * len(files) // shards
            ]:
                tar.add(path, path.relative_to(folder).as_posix())
                info = tarfile.TarInfo(f"{path.relative_to(folder).as_posix()}.txt")
                info.size = 2
                tar.addfile(info, io.BytesIO(b"ab"))
    return made
