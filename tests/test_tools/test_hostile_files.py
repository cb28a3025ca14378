"""No file of others makes a tool run its code, wait, or fail without a sentence."""

import pytest

from mmtaskssl.datasets.pixel_limit import MAX_PIXELS_VARIABLE

from ._hostile import outcome
from ._hostile_cases import CASES


def test_the_cases_are_many_and_none_is_twice():
    names = [(case.kind, case.name, case.tool) for case in CASES]
    assert len(set(names)) == len(names) >= 75


@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{c.kind}-{c.name}-{c.tool}".replace(" ", "-")
)
def test_refused_with_a_sentence(case, tmp_path, monkeypatch):
    monkeypatch.delenv(MAX_PIXELS_VARIABLE, raising=False)
    if case.tool.startswith("analysis_tools/draw") or case.tool == "test":
        pytest.importorskip("mmdet")
    result, said = outcome(case, tmp_path)
    assert result == "refused", said
