import errno

import pytest

from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.outputs import check_replaceable, writing


def check(out):
    check_replaceable(out, {"table.csv", "report.html"}, "a report")


def test_an_earlier_output_may_be_replaced(tmp_path):
    check(tmp_path / "new")
    check(tmp_path)
    (tmp_path / "table.csv").write_text("1")
    check(tmp_path)


def test_anything_else_is_kept(tmp_path):
    (tmp_path / "table.csv").write_text("1")
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"'thesis.tex', which is no part of a report"):
        check(tmp_path)
    with pytest.raises(UserError, match="is a file"):
        check(tmp_path / "thesis.tex")


def test_a_full_disk_is_told():
    with pytest.raises(UserError, match=r"cannot write out \(No space"), writing("out"):
        raise OSError(errno.ENOSPC, "No space left on device")
