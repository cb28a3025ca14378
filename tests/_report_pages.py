"""Pages of every kind, made from values: with hostile names, and of any size."""

import dataclasses

import numpy as np

from mmtaskssl import apis
from mmtaskssl.customize.handover.page import page as customized_page
from mmtaskssl.engine.controls.compared import ControlsCompared
from mmtaskssl.engine.pretrained import Pretrained
from mmtaskssl.evaluation.paired import paired_difference
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.routing.candidate import Candidate
from mmtaskssl.routing.result import Routing
from mmtaskssl.routing.task import Task
from mmtaskssl.search.result import SearchResult
from mmtaskssl.specialists.routed import Named
from mmtaskssl.utils.budgets import Budget

from ._images import make_image_folder
from .test_customize.test_handover._records import record

#: A name that a page must show as it is: markup, both kinds of quotes, an entity.
HOSTILE = "\"><img src=x onerror=alert(1)>'<script>alert(2)<&amp;"


def stores(folder, pool=40, target=6):
    """Features of a pool and a target, of whose images the first hundred are there."""
    found, rng = [], np.random.default_rng(0)
    for name, count in (("pool", pool), ("target", target)):
        root = make_image_folder(folder / f"{HOSTILE}{name}", min(count, 100), (), 12)
        files = sorted(root.iterdir())
        for file in files:
            file.rename(root / f"{HOSTILE} {file.name}")
        ids = [f"{HOSTILE} {number:03d}.png" for number in range(count)]
        x = rng.normal(size=(count, 8))
        found.append(MemoryStore(x, ids, name=f"{HOSTILE}{name}", root=str(root)))
    return found


def selection(folder, pool=40, target=6):
    """Half of a pool is selected, whose every image is a source of its own."""
    images, wanted = stores(folder, pool, target)
    found = apis.select(images, wanted, pool // 2)
    shares = {
        f"{HOSTILE} {number}": {
            **{"selected": 1, "selected_share": 2 / pool, "pool_share": 1 / pool}
        }
        for number in range(pool)
    }
    notes = [f"warning: of `option` {HOSTILE}", HOSTILE]
    summary = {**found.summary, "sources": shares, "notes": notes}
    return dataclasses.replace(found, summary=summary).page()


def clusters(folder, leaves=4, pool=40):
    """A tree of two levels."""
    images, _ = stores(folder, pool)
    return apis.cluster(images, f"2x{leaves // 2}", random=leaves > 100).page()


def search(count=6):
    """Scores by two metrics."""
    rng = np.random.default_rng(0)
    rows = tuple(
        {
            **{"subnet": f"{HOSTILE} {number}", "metric": metric},
            **{"similarity": value, "ci": [value - 0.01, value + 0.01]},
            **{"macs": 1_000_000 + 1000 * number, "params": 50_000},
        }
        for metric in ("global", "dense")
        for number, value in enumerate(rng.uniform(0.5, 0.9, count).tolist())
    )
    anchors = {f"{HOSTILE} {count - 1}": HOSTILE}
    return SearchResult(
        *(rows, (Budget(0, 1e9),), ("global", "dense"), anchors, {}),
        {"shape": [40, 40]},
        {"images": HOSTILE, "checkpoint": HOSTILE},
    ).page()


class _NamedRouting(Routing):
    def label(self, subnet):
        return subnet.name


def routing(folder, count=6):
    """Networks by their names."""
    root = make_image_folder(folder / f"{HOSTILE}task", 4, (), 12)
    task = Task(
        *(root, [path.name for path in root.iterdir()], np.zeros((4, 12, 12, 3))),
        *(None, [], 0, 0, None),
    )
    ranking = tuple(
        Candidate(Named(f"{HOSTILE} {n}"), 1 - n / count, 0, 1, n / count, 0, 1, n == 1)
        for n in range(count)
    )
    return _NamedRouting(
        *(
            ranking,
            ranking[-1].subnet,
            (f"of `option` {HOSTILE}",),
            count,
            {},
            (),
            (1, 1),
        ),
        *({}, "exhaustive", "knn", "score", 0, task, None),
    ).page()


def controls(count=3):
    """Arms beside a run."""
    arms = ["run", *(f"{HOSTILE} {number}" for number in range(count))]
    scores = {name: {0: 50.0 + i, 1: 51.0 + i} for i, name in enumerate(arms)}
    key = (HOSTILE, "knn")
    differences = {n: paired_difference(scores["run"], scores[n]) for n in arms[1:]}
    what = dict.fromkeys(arms, HOSTILE)
    return ControlsCompared(what, {key: scores}, {key: differences}, 0.95).page()


def pretrained(count=20):
    """A training whose log names what it measured."""
    history = [{"step": n, "loss": 1 / (n + 1)} for n in range(count)]
    names = (f"a/{HOSTILE}knn", f"b/{HOSTILE}knn")
    history += [
        {"step": n, name: float(n % 7)} for n in range(0, count, 5) for name in names
    ]
    return Pretrained(HOSTILE, None, None, None, count, history).page()


def customized():
    """Every text of a record hostile, one by one with its neighbours."""

    def made_hostile(value, key=""):
        if isinstance(value, dict):
            return {k: made_hostile(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [made_hostile(v, key) for v in value]
        if isinstance(value, str) and key not in ("outcome", "kind"):
            return value + HOSTILE
        return value

    return customized_page(made_hostile(record()))


def every_kind(folder):
    """Returns a page of each kind by its name."""
    images, _ = stores(folder / "store")
    return {
        "selection": selection(folder / "selection"),
        "clusters": clusters(folder / "clusters"),
        "search": search(),
        "routing": routing(folder),
        "controls": controls(),
        "pretrained": pretrained(),
        "customized": customized(),
        "default": images.page(),
    }


def large(folder, count=10_000):
    """Returns the pages that grow with what they show, of ``count`` items."""
    return {
        "selection": selection(folder / "selection", count),
        "clusters": clusters(folder / "clusters", count, 2 * count),
        "search": search(count),
        "routing": routing(folder, count),
        "pretrained": pretrained(count),
    }
