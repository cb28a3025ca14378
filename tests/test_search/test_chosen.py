"""The metric that a search takes where none is named."""

from mmtaskssl.apis import extract, search
from mmtaskssl.search.chosen import (
    AUTO,
    EVIDENCE,
    MEASURED_SPACE,
    choose_metrics,
    is_measured,
)
from mmtaskssl.search.names import METRIC_NAMES, TAUGHT_NAMES
from mmtaskssl.subnets import build_space

from ._files import CONFIG, MIDDLE

SMALL = {"subnets": [MIDDLE], "bn_images": 16, "shape": 16}


def test_it_is_the_best_of_those_that_can_be_computed():
    assert {*EVIDENCE} <= {*METRIC_NAMES}
    (taught,), why = choose_metrics([AUTO], taught=True)
    assert EVIDENCE[taught].partial == max(e.partial for e in EVIDENCE.values())
    assert taught in why and f"{EVIDENCE[taught].partial:.2f}" in why
    (alone,), why = choose_metrics([AUTO], taught=False)
    rest = {n: e for n, e in EVIDENCE.items() if n not in TAUGHT_NAMES}
    assert EVIDENCE[alone].partial == max(e.partial for e in rest.values())
    # Who could have the better one is told so.
    assert f"with a teacher it would be {taught}" in why


def test_named_metrics_are_left_alone_and_none_is_taken_twice():
    assert choose_metrics(["dense", "rank"], True) == (("dense", "rank"), None)
    best = choose_metrics([AUTO], True)[0][0]
    both, why = choose_metrics([AUTO, "dense", best], True)
    assert both == (best, "dense") and why


def test_a_search_takes_it_says_so_and_keeps_its_name(files, said, tmp_path):
    found = search(files[:2], files[2], folder=tmp_path / "own", **SMALL)
    assert f"metric {AUTO}: {found.metrics[0]}" in said.text
    assert found.metrics == choose_metrics([AUTO], False)[0]
    store = extract((files[0], "random"), files[2], seed=3, workers=0)
    taught = search(files[:2], files[2], teacher=store, **SMALL)
    assert taught.metrics == choose_metrics([AUTO], True)[0]
    # By its own name it is the same search, which has nothing left to do.
    again = search(
        *(files[:2], files[2]),
        metrics=found.metrics[0],
        folder=tmp_path / "own",
        **SMALL,
    )
    assert again.rows == found.rows


def test_what_a_network_has_no_part_for_is_not_taken(files, tmp_path):
    best = choose_metrics([AUTO], False)[0][0]
    (other,), _ = choose_metrics([AUTO], False, [best])
    assert other not in (best, *TAUGHT_NAMES)
    bare = tmp_path / "bare.py"
    bare.write_text(CONFIG.replace("neck=dict(", "other=dict("))
    assert search((str(bare), files[1]), files[2], **SMALL).metrics == (other,)


def test_of_a_supernet_of_another_kind_it_says_that_nobody_knows(files, said):
    taught = {"model": {"distill": {"teacher": {}}}}
    assert is_measured(build_space(MEASURED_SPACE), taught)
    assert not is_measured(build_space(MEASURED_SPACE), {"model": {}})
    assert not is_measured(build_space("data_basic"), taught)
    for unlike in ("slimmable_resnet", "routed_resnet"):
        assert not is_measured(build_space(unlike), taught)
    assert "not known" not in choose_metrics([AUTO], False)[1]
    search(files[:2], files[2], **SMALL)
    assert f"supernets of {MEASURED_SPACE}, which this is not" in said.text
