"""What tells settings from others."""

import pytest

from mmtaskssl.customize.settings import Settings, read_time
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resolve_config

from .test_diagnosis._cases import CONFIG


def _read(start):
    return Settings.read(None, [start], None, None, 1.0, None, 1, 0, None, None)


def test_a_start_is_told_by_its_config_and_by_what_that_is_based_on(tmp_path):
    base, config, weights = (tmp_path / name for name in ("b.py", "c.py", "w.pth"))
    base.write_text(f"_base_ = {str(resolve_config(CONFIG).resolve())!r}")
    config.write_text("_base_ = 'b.py'")
    weights.write_bytes(b"weights")
    start = f"{config}={weights}"
    first = _read(start).to_dict()["starts"]
    assert first == _read(start).to_dict()["starts"]
    base.write_text(base.read_text() + "\nnumber = 1")
    (second,) = _read(start).to_dict()["starts"]
    assert second["config_sha256"] != first[0]["config_sha256"]
    assert second["sha256"] == first[0]["sha256"]
    weights.write_bytes(b"others")
    assert _read(start).to_dict()["starts"][0]["sha256"] != second["sha256"]


@pytest.mark.parametrize("weights", ["timm:test_vit={}", "timm:test_vit=random"])
def test_a_start_of_a_library_has_no_config(tmp_path, weights):
    (tmp_path / "w.pth").write_bytes(b"weights")
    (found,) = _read(weights.format(tmp_path / "w.pth")).to_dict()["starts"]
    assert "config_sha256" not in found


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        *[("90s", 90), ("20m", 1200), ("20min", 1200), ("2h", 7200), ("1.5h", 5400)],
        *[("1h30m", 5400), ("1d 2h", 93600), (90, 90), (0.5, 0.5), (None, None)],
    ],
)
def test_a_time_is_read_with_its_unit(time, seconds):
    assert read_time(time) == seconds


@pytest.mark.parametrize("time", ["2", "h", "", "2hours", "-1h", "nan", "0s", 0, -1])
def test_what_is_no_time_is_refused(time):
    with pytest.raises(UserError, match="is no time: write 90s, 20m, 2h or 1h30m"):
        read_time(time)
