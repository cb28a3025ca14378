"""Odd inputs of other people: each gets its own sentence, and harms nothing."""

import re

import pytest

from mmtaskssl.datasets.pixel_limit import MAX_PIXELS_VARIABLE

from ._judged import DAMAGE, EXPECTED, OTHER, SILENT, TRACEBACK, Case, outcome, table
from ._judged_cases import CASES

_QUICK = [case for case in CASES if not case.heavy]


def test_the_cases_are_many_and_none_is_twice():
    names = [(case.kind, case.name) for case in CASES]
    assert len({*names}) == len(names) >= 500
    assert len(_QUICK) >= 250


@pytest.mark.parametrize(
    "case", _QUICK, ids=lambda c: re.sub(r"\W+", "-", f"{c.kind}-{c.name}")
)
def test_what_is_expected(case, tmp_path, monkeypatch):
    monkeypatch.delenv(MAX_PIXELS_VARIABLE, raising=False)
    if case.kind.startswith("annotations"):
        pytest.importorskip("mmdet")
        pytest.importorskip("mmseg")
    result, said = outcome(case, tmp_path)
    assert result == EXPECTED, said


# The judge itself.
def _said(text, error=None):
    def make(folder):
        (folder / "mine").write_text("a")

        def call():
            print(text)
            if error is not None:
                raise error

        return call

    return make


def _harmed(folder):
    (folder / "mine").write_text("a")

    def call():
        from mmtaskssl.utils.errors import UserError

        (folder / "mine").write_text("b")
        raise UserError("a phrase")

    return call


def _left(folder):
    def call():
        from mmtaskssl.utils.errors import UserError

        (folder / ".x.mmtaskssl-abcdefgh").write_text("half")
        raise UserError("a phrase")

    return call


def _refusing(text):
    from mmtaskssl.utils.errors import UserError

    return _said("", UserError(text))


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case("k", "n", _refusing("a phrase"), "phrase"), EXPECTED),
        (Case("k", "n", _refusing("what else"), "phrase"), OTHER),
        (Case("k", "n", _said("", ValueError("phrase")), "phrase"), TRACEBACK),
        (Case("k", "n", _said("a phrase"), "phrase"), SILENT),
        (Case("k", "n", _said("a phrase"), "phrase", True), EXPECTED),
        (Case("k", "n", _said("nothing"), "phrase", True), SILENT),
        (Case("k", "n", _said("phrase"), "phrase", True, lambda *_: False), SILENT),
        (Case("k", "n", _harmed, "phrase"), DAMAGE),
        (Case("k", "n", _left, "phrase"), DAMAGE),
        (Case("k", "n", _refusing("phrase"), "phrase", holds=lambda *_: False), DAMAGE),
    ],
)
def test_the_judge(case, expected, tmp_path):
    assert outcome(case, tmp_path)[0] == expected
    text, failed = table([case], lambda line: None)
    assert text.splitlines()[-1].startswith("| all | 1 |")
    assert failed == (expected in (TRACEBACK, SILENT, DAMAGE))
