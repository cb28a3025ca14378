"""What is asked for, and how it takes the place of something else."""

from pathlib import Path
from types import SimpleNamespace

from mmtaskssl.customize import order as ordering
from mmtaskssl.customize.fit.kept import FITS
from mmtaskssl.customize.order import Order
from mmtaskssl.utils.atomic import write_json


def test_what_was_looked_at_and_measured_first_is_not_again(tmp_path, monkeypatch):
    class Fits:
        def __init__(self, settings, side, folder):
            self.file = folder / FITS

        def check(self):
            self.file.parent.mkdir()
            write_json(self.file, {"a side": 64})

    def inspect(self, out: Path, log, anew):
        out.mkdir()
        return SimpleNamespace(short_side=64)

    monkeypatch.setattr(ordering, "Fits", Fits)
    monkeypatch.setattr(Order, "_inspect", inspect)
    out = tmp_path / "out"
    order = Order.read("pool", "target", out, budget="1ms-2ms")
    with order.replacing(lambda line: None) as replace:
        assert not out.exists()  # nothing gives way yet
        replace()
    assert (out / FITS).is_file() and (out / "inspection").is_dir()
    assert [path.name for path in tmp_path.iterdir() if path != out] == []


def test_the_place_is_one_wherever_a_command_of_its_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Order.read("pool", "target", "a/../out").out == tmp_path / "out"
