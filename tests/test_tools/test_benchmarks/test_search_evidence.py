"""The study of a search that ranks: gate, choice and tables, from made-up results."""

import math
import re

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from torch import nn

from mmtaskssl.config import load_config
from mmtaskssl.evaluation.data import LabeledFeatures
from mmtaskssl.evaluation.rank_statistics import spearman
from mmtaskssl.registry import SUBNET_SAMPLERS
from mmtaskssl.search.chosen import EVIDENCE
from mmtaskssl.search.names import MEAN_OF, MEAN_RANK
from mmtaskssl.subnets import build_space
from mmtaskssl.utils.atomic import write_json
from starts_evidence import TARGETS as TARGETS_OF_STARTS
from studies.packed import unpack
from studies.pool_study import Place
from studies.search import FOLDS, SearchStudy, accuracies
from studies.search_averaged import SHOWN, averaged_table
from studies.search_choice import (
    ALWAYS,
    FOUR,
    MEAN_OF_FOUR,
    Found,
    best_of,
    by_others,
    chosen_scores,
    images_of,
    mean_of_four,
    scores_of,
)
from studies.search_choice import order as search_order
from studies.search_dense import METRICS, TASK
from studies.search_design import ARMS, AVERAGED, IMAGES, MEASURES
from studies.search_gate import gate, spearman_brown
from studies.search_ranks import Known, best_scores, partial, ridge, size_fit
from studies.search_tables import tables
from studies.zero_cost import naswot

TARGETS = ["a", "b", "c"]


def _study(folder, **options):
    data = folder / "data"
    (data / "pool" / "images").mkdir(parents=True)
    for target in TARGETS:
        (data / "classification" / target).mkdir(parents=True)
    place = Place(data, folder / "out", TARGETS, 2)
    return SearchStudy(place, "w.pth", nets=16, **options)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return _study(tmp_path_factory.mktemp("search"))


def test_the_design_has_so_many_nets_and_named_ones(study):
    space = study.backbone.space
    assert len(study.candidates) == 16
    assert {space.max, space.min, space.resolve("R18")} <= {*study.candidates}
    assert study.alone_nets[:2] == [space.max, space.min]
    assert len({*study.alone_nets}) == 12 and {*study.alone_nets} <= {*study.candidates}
    wide = _study_of_forty(study)
    assert len(wide) == 40 and [*wide.values()].count("-") == 9


def _study_of_forty(study):
    place = Place(study.data, study.out, TARGETS, 2)
    return SearchStudy(place, "w.pth").candidates


def test_trainings_are_configs_of_the_shipped_recipe(study):
    base = load_config(str(study.config)).model
    for arm, model in ARMS.items():
        cfg = load_config(str(study.training(f"arm-{arm}", model)))
        assert cfg.train_dataloader.dataset.store_size == 48
        assert cfg.model.distill == base.distill and cfg.model != base
        sampler = dict(cfg.model.subnet_sampler)
        SUBNET_SAMPLERS.build(sampler, default_args={"space": study.backbone.space})
    mean = {"type": "EMAHook", "begin_iter": 7}
    hooks = load_config(str(study.training("mean", {}, {"mean": mean}))).default_hooks
    assert hooks.mean == mean and hooks.checkpoint.interval == 400
    assert {*load_config(str(study.config)).default_hooks} < {*hooks}
    subnet = study.alone_nets[4]
    file = study.training(f"alone-{subnet}", study.alone_model(subnet))
    cfg = load_config(str(file))
    space = build_space(cfg.model.backbone.space)
    assert [*space] == [subnet] == [space.max]
    assert cfg.model.subnet_sampler.type == "AllSubnets"
    before = file.stat().st_mtime_ns
    study.training(f"alone-{subnet}", study.alone_model(subnet))
    assert file.stat().st_mtime_ns == before


def _accuracies(rng, order, noise):
    """(nets, parts) with an order of the nets, and noise of a part."""
    parts = 50 + 10 * order[:, None] + noise * rng.standard_normal((len(order), FOLDS))
    return parts.mean(1), parts


def _rivals(rng, macs):
    shape = rng.standard_normal((len(macs), 2))
    return np.column_stack([np.log(macs), shape])


def test_the_gate_finds_an_order_and_its_lack():
    rng = np.random.default_rng(0)
    rivals = _rivals(rng, rng.uniform(1, 6, 40))
    order = rng.standard_normal(40)
    for noise, go in ((1.0, True), (500.0, False)):
        found = [_accuracies(rng, order, noise) for _ in range(3)]
        totals, folds = (np.array(part) for part in zip(*found, strict=True))
        result = gate(totals, folds, rivals, largest=int(order.argmax()))
        assert result.go is go
        assert result.macs.bound == math.sqrt(max(0, result.macs.least))
        if go:
            assert min(result.macs.supernets, result.macs.halves) > 0.95
            assert result.lead.low > 10
            known = np.vander(rivals[:, 0], 4)
            rest = [y - known @ np.linalg.lstsq(known, y)[0] for y in totals]
            r = np.mean(
                [spearman(rest[i], rest[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
            )
            assert result.macs.supernets == pytest.approx(3 * r / (1 + 2 * r))
            alone = gate(totals[:1], folds[:1], rivals, largest=0).macs
            assert math.isnan(alone.supernets) and alone.least == alone.halves
    assert spearman_brown(0.5, 2) == pytest.approx(2 / 3)
    assert spearman_brown(-0.5, 2) == 0


def test_an_order_by_size_or_shape_alone_is_none_beyond_it():
    rng = np.random.default_rng(0)
    rivals = _rivals(rng, rng.uniform(1, 6, 40))
    for order, go in ((rivals[:, 0], False), (rivals[:, 1], True)):
        found = [_accuracies(rng, order, 5.0) for _ in range(3)]
        totals, folds = (np.array(part) for part in zip(*found, strict=True))
        assert np.mean([spearman(order, one) for one in totals]) > 0.9
        result = gate(totals, folds, rivals, 0)
        assert result.go is go and result.shape.bound < 0.6


def test_the_size_fit_does_not_see_the_net_itself():
    rng = np.random.default_rng(0)
    rivals = rng.standard_normal((12, 3))
    truth = rivals @ [3.0, -1.0, 0.5] + 7
    np.testing.assert_allclose(size_fit(truth, rivals), truth)
    changed = truth.copy()
    changed[4] += 100
    assert size_fit(changed, rivals)[4] == pytest.approx(truth[4])


def test_the_target_that_is_judged_has_no_say(tmp_path):
    study = _study(tmp_path)
    _fill(study)
    found = [Found(study, measure) for measure in MEASURES]
    names = study.names
    order = rankdata(found[0].truths["a"])
    # On the judged target alone, the lie would be the best by far.
    for target in TARGETS:
        for images in IMAGES:
            rows = study.rows(0, f"score-{images}", target)
            lies = order if target == "a" else -order
            for name, lie in zip(names, lies, strict=True):
                rows[name]["liar"] = float(lie)
            write_json(study.file(0, f"score-{images}", target), [*rows.values()])
    study.seeds = 1
    found = [Found(study, measure) for measure in MEASURES]
    assert len(by_others(found, "a")) == len(MEASURES) * 2
    ordered = search_order(found, "a")
    assert ordered[0] == "sept:good" and ordered[-1].endswith(":liar")
    before = ridge(by_others(found, "a"), found[0].scores["a"])
    for one in found:
        one.truths["a"] = np.random.default_rng(1).standard_normal(len(names))
    after = ridge(by_others(found, "a"), found[0].scores["a"])
    np.testing.assert_array_equal(before, after)
    assert search_order(found, "a") == ordered
    assert best_scores([], "mean") == []


def test_a_score_that_is_good_in_the_mean_may_be_bad_somewhere():
    rng = np.random.default_rng(0)
    truth, rivals = rng.standard_normal(40), rng.standard_normal((40, 3))
    steady = truth + rng.standard_normal(40)
    known = [
        Known({"steady": steady, "moody": other}, truth, rivals)
        for other in (truth, truth, truth, rng.standard_normal(40))
    ]
    assert best_scores(known, "mean") == ["moody", "steady"]
    assert best_scores(known, "worst") == ["steady", "moody"]


def test_mean_ranks_are_of_both_kinds_of_images(tmp_path):
    study = _study(tmp_path)
    _fill(study)
    found, names = Found(study, "knn"), study.names
    scores = found.scores["a"]
    expected = (rankdata(scores["own:good"]) + rankdata(scores["sept:good"])) / 2
    np.testing.assert_array_equal(scores["both:good"], expected)
    assert "both:lost" not in scores and "own:lost" in scores
    assert [*images_of("both:good")] == [*IMAGES] and images_of("own:x") == ("own",)
    values = scores_of(study, 1, "a", "sept:good", names)
    rows = study.rows(1, "score-sept", "a")
    assert [*values] == [rows[name]["good"] for name in names]
    both = scores_of(study, 1, "a", "both:good", names)
    np.testing.assert_array_equal(both, expected)


def test_the_mean_of_four_wants_all_four():
    rng = np.random.default_rng(0)
    own = [f"own:{name}" for name in FOUR]
    scores = {name: rng.standard_normal(7) for name in (*own, "own:other")}
    found = mean_of_four(scores)
    assert [*found] == [MEAN_OF_FOUR]
    expected = sum(rankdata(scores[name]) for name in own) / 4
    np.testing.assert_array_equal(found[MEAN_OF_FOUR], expected)
    assert mean_of_four({n: scores[n] for n in (*own[1:], "own:other")}) == {}


def test_parts_of_the_accuracies_belong_to_the_whole():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(4).repeat(30)
    x = torch.randn(120, 6, generator=generator) + 1.5 * nn.functional.one_hot(y, 6)
    names = [*"abcd"]
    train = LabeledFeatures(x[:60], y[:60], names)
    test = LabeledFeatures(x[60:], y[60:], names)
    found = accuracies(train, test)
    for name in MEASURES:
        assert 40 < found[name] < 100
        assert np.mean(found[f"{name}_folds"]) == pytest.approx(found[name], abs=1e-3)


def test_zero_cost_score_is_the_slow_one():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU())
    images = torch.randn(6, 5)
    value = naswot(network, images)
    with torch.no_grad():
        first = network[0](images).relu()
        second = network[2](first).relu()
    codes = [
        [bool(v > 0) for v in (*a, *b)] for a, b in zip(first, second, strict=True)
    ]
    kernel = [
        [sum(a == b for a, b in zip(x, y, strict=True)) for y in codes] for x in codes
    ]
    assert value == pytest.approx(np.linalg.slogdet(np.array(kernel, float))[1])
    assert not network[1]._forward_hooks


def _fill(study):
    rng = np.random.default_rng(0)
    names = [s.name for s in dict.fromkeys([*study.candidates, *study.searched_pool])]
    order = dict(zip(names, rng.standard_normal(len(names)), strict=True))

    def truth(name):
        row = {"subnet": name}
        for measure in MEASURES:
            parts = 50 + 9 * order[name] + rng.standard_normal(FOLDS)
            row |= {measure: parts.mean(), f"{measure}_folds": [*parts]}
        return row

    for target in TARGETS:
        for seed in range(2):
            write_json(study.file(seed, "truth", target), [truth(n) for n in names])
            for images in IMAGES:
                rows = [
                    {
                        "subnet": n,
                        "good": order[n] if images == "sept" else -order[n],
                        **dict.fromkeys(SHOWN, rng.random()),
                        "lost": None,
                    }
                    for n in names
                ]
                write_json(study.file(seed, f"score-{images}", target), rows)
        mean = [{"subnet": n, **dict.fromkeys(SHOWN, order[n])} for n in study.names]
        write_json(study.file(0, AVERAGED, target), mean)
        zero = [{"subnet": n, "naswot": rng.random()} for n in study.names]
        write_json(study.file(0, "zero", target), zero)
        some = [truth(s.name) for s in study.alone_nets]
        for stage in ("alone", *(f"arm-{arm}" for arm in ARMS)):
            write_json(study.file(0, stage, target), some)
    dense = [{"subnet": n, "mIoU": 30 + order[n]} for n in names[:-1]]
    write_json(study.file(0, "dense", TASK), dense)
    scored = [{"subnet": n, **dict.fromkeys(METRICS, order[n])} for n in names]
    write_json(study.file(0, "score-dense", TASK), scored)


def test_tables_of_made_up_results(tmp_path):
    study = _study(tmp_path)
    assert "seed 1: truth on a (16 to go)" in tables(study, 0)
    _fill(study)
    found = Found(study, "knn")
    assert found.gated == TARGETS
    assert search_order([found], "a")[0] == "sept:good"
    assert chosen_scores([found], "b") == [*ALWAYS, "sept:good"]
    assert "| sept:good | 1.00 | 1.00 |" in tables(study, resamples=0)
    text = tables(study, resamples=3)
    assert "Not there yet" not in text
    # The gate, a ranking a target and accuracy, the choice, gains, nets alone, averaged
    # weights, dense.
    assert text.count("\n| --- |") == 1 + 2 * len(TARGETS) + 5
    assert "| go |" in text and "| no-go |" not in text
    assert text.count("| sept:good | 1.00 [1.00, 1.00]") == 2 * len(TARGETS)
    assert text.count("| own:lost | - | - | - | - |") == 2 * len(TARGETS)
    assert text.count("| yes |") == 4 * len(TARGETS)  # the goal is reached
    dense = next(line for line in text.splitlines() if line.startswith("| Spearman |"))
    assert dense.count("| 1.00 ") == len(METRICS)
    of_both = [Found(study, measure) for measure in MEASURES]
    averaged = averaged_table(study, of_both)
    assert averaged in text
    after = re.findall(r" / (?:0\.99|1\.00) \|", averaged)
    assert len(after) == len(SHOWN) * len(MEASURES) * len(TARGETS)
    assert "| knn | inplace |" in text and "| linear | alone |" in text


def test_a_stage_goes_on_where_it_was(study, monkeypatch):
    names = study.names[:3]
    write_json(study.file(1, "truth", "a"), [{"subnet": names[0], "knn": 1.0}])
    assert study.lacking(1, "truth", "a", names) == names[1:]
    assert study.complete("truth", "a", names) == []
    asked = []
    monkeypatch.setattr(study, "train", lambda seed: asked.append(seed) or 1 / 0)
    study._truth(1, "a", names[:1])
    assert asked == []  # nothing is trained or loaded where nothing is missing
    with pytest.raises(ZeroDivisionError):
        study._truth(1, "a", names)
    assert asked == [1]


def test_the_best_is_the_first_of_equal_ones_and_no_undefined_one():
    assert best_of(np.array([2.0, 2.0, np.nan, 1.0]), [*"bacd"]) == "a"


def test_averaged_weights_are_trained_once_where_scores_are_missing(study, monkeypatch):
    asked = []
    monkeypatch.setattr(study, "pretrain", lambda *a, **k: asked.append(k) or 1 / 0)
    rows = [{"subnet": name} for name in study.names]
    write_json(study.file(0, AVERAGED, "a"), rows)
    first, second, _ = study.mean()
    first()
    assert asked == []
    with pytest.raises(ZeroDivisionError):
        second()
    hooks = load_config(str(asked[0]["config"])).default_hooks
    (mean,) = (hook for hook in hooks.values() if hook["type"] == "EMAHook")
    assert mean["begin_iter"] == 4 * study.iters // 5


def test_a_segmentor_that_was_trained_is_not_again(study, monkeypatch):
    (first, second) = (subnet.name for subnet in study.alone_nets[:2])
    write_json(study.file(0, "dense", TASK), [{"subnet": first, "mIoU": 30.0}])
    monkeypatch.setattr(study, "train", lambda seed: 1 / 0)
    cells = [*study.dense()]
    assert len(cells) == 1 + len(study.alone_nets)
    cells[1]()
    with pytest.raises(ZeroDivisionError):
        cells[2]()
    assert second != first
    with pytest.raises(ZeroDivisionError):
        cells[0]()


def test_the_table_that_auto_goes_by_is_what_was_found(tmp_path, repo_root):
    data, targets = tmp_path / "data", [*TARGETS_OF_STARTS, "streets", "sources"]
    (data / "pool" / "images").mkdir(parents=True)
    for target in targets:
        (data / "classification" / target).mkdir(parents=True)
    study = SearchStudy(
        Place(data, tmp_path / "out", targets, 3),
        "w.pth",
        config="configs/distill/distill-supernet_resnet-basic-wide_1xb128-coslr-2k_"
        "folder-40px.py",
    )
    unpack(study, repo_root / "tools/benchmarks/results/search.json")
    found = [Found(study, measure) for measure in MEASURES]
    passed = [(one, target) for one in found for target in one.gated]
    assert passed
    # As the study calls them, on the targets' own images.
    names = {"neighbours": "own:neighbours-teacher", "ridge": "own:ridge-teacher"}
    names[MEAN_RANK] = MEAN_OF_FOUR
    assert [*FOUR] == [names.get(n, f"own:{n}").partition(":")[2] for n in MEAN_OF]
    for metric, known in EVIDENCE.items():
        key = names.get(metric, f"own:{metric}")
        scores = [one.scores[target][key] for one, target in passed]
        truths = [one.truths[target] for one, target in passed]
        plain = np.mean([*map(spearman, scores, truths)])
        beyond = np.mean(
            [*map(partial, scores, truths, [one.rivals for one, _ in passed])]
        )
        assert known == (
            pytest.approx(plain, abs=5e-3),
            pytest.approx(beyond, abs=5e-3),
        )
