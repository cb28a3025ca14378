import html.parser
import re

import numpy as np
import pytest
from PIL import Image

from mmtaskssl.report import Thumbnails
from mmtaskssl.selection.inputs import Queries
from mmtaskssl.selection.leaks import Leak
from mmtaskssl.selection.policies import POLICIES
from mmtaskssl.selection.report import charts, render
from mmtaskssl.selection.stats import query_shares

from ._reference import make_store, make_task, random_features


class Outline(html.parser.HTMLParser):
    """Collects tags, and fails on one that is closed out of order."""

    void = {"meta", "link", "img", "line", "polygon"}

    def __init__(self, page):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in {*self.void, "wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def make_report(tmp_path, policy="round_robin", budget=20, notes=(), leaks=()):
    rng = np.random.default_rng(0)
    root = tmp_path / "images"
    root.mkdir(exist_ok=True)
    pool = make_store(tmp_path / "pool", random_features(rng, 60), root=str(root))
    for i in range(58):  # one unreadable, one missing
        pixels = rng.integers(0, 255, (30, 50, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / pool.image_ids[i])
    (root / pool.image_ids[58]).write_bytes(b"no image")
    known = {"sources": np.arange(60) % 2, "labels": np.arange(5) % 2}
    task = make_task(pool, pool.read(np.arange(5)), budget, **known)
    chosen = POLICIES[policy](task)
    queries = Queries(
        task.queries,
        ["a<b>.png", *[f"dir/{i}.png" for i in range(4)]],
        [None, *[root / pool.image_ids[i] for i in range(1, 5)]],
        None,
        None,
        [],
    )
    numbers = {"q50": 0.5}
    summary = {
        "selected": len(chosen.rows),
        "pool": {
            "store": "/x/pool",
            "root": str(root),
            "images": 60,
            "reachable": 60,
            "near_duplicates_of_excluded": len(leaks),
        },
        "target": {"stores": ["/x/<target>"], "images": 5},
        "excluded": ["/x/val"] if leaks else [],
        "policy": policy,
        "seed": 0,
        "budget": budget,
        "notes": list(notes),
        "similarity": {"selected": numbers, "random_pool": numbers},
        "queries": query_shares(chosen, 5),
        "inputs": {"pool": "0", "targets": ["1"]},
        "mmtaskssl": "0",
    }
    roots = {"pool": str(root), "/x/val": ""}
    return render(task, chosen, queries, list(leaks), roots, summary), chosen


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("budget", [1, 20, 60])
def test_page_is_whole_and_needs_nothing_else(tmp_path, policy, budget):
    page, _ = make_report(tmp_path, policy, budget)
    outline = Outline(page)
    for tag, attrs in outline.seen:
        assert tag not in ("script", "iframe")
        assert attrs.get("href", "data:,") == "data:,"  # of the icon: there is none
        assert attrs.get("src", "data:image/jpeg").startswith("data:image/jpeg")
    assert "http" not in page.replace("http-equiv", "")
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page).lower()


def test_every_query_has_its_hits_and_selected_ones_are_marked(tmp_path):
    page, chosen = make_report(tmp_path)
    rows = page.split('<div class="query">')[1:]
    assert len(rows) == 5
    for row in rows:
        hits = row.split("</div></div></div>")[0]
        titles = re.findall(r'<figure class="(pic|pic in)">.*?title="p(\d+)', hits)
        assert len(titles) >= 8
        for kind, number in titles:
            assert (kind == "pic in") == (int(number) in chosen.rows)


def test_broken_missing_and_unknown_images_are_placeholders(tmp_path):
    page, _ = make_report(tmp_path, budget=60)
    assert "folder unknown" in page  # the first query
    thumbs = Thumbnails()
    root = tmp_path / "images"
    assert "unreadable" in thumbs.tag(root / "p00058.png", "x")
    assert "missing" in thumbs.tag(root / "p00059.png", "x")
    assert "<img" in thumbs.tag(root / "p00000.png", 'x" onload="')
    assert 'onload="' not in thumbs.tag(root / "p00000.png", 'x" onload="')


def test_names_are_escaped_and_notes_shown(tmp_path):
    page, _ = make_report(tmp_path, notes=["warning: <b>mind</b>", "all well"])
    assert "a&lt;b&gt;.png" in page and "a<b>" not in page
    assert "&lt;target&gt;" in page
    assert '<li class="warning">&lt;b&gt;mind' in page
    assert "<li>All well.</li>" in page


def test_dropped_pairs_are_shown_least_certain_first(tmp_path):
    leaks = [
        Leak(1, "p00001.png", "same pixels", "t1.png", "/x/val", 0.9, 0.95, "mirrored"),
        Leak(2, "p00002.png", "identical file", "t2.png", "/x/val", 0.98),
    ]
    page, _ = make_report(tmp_path, leaks=leaks)
    part = page.split("Dropped as copies of held-out images")[1]
    sure = "pixels 0.950, features 0.9000: same pixels, mirrored"
    assert part.index("features 0.9800: identical file") < part.index(sure)


def test_pictures_stop_at_the_limit(tmp_path):
    make_report(tmp_path)
    root = tmp_path / "images"
    thumbs = Thumbnails(max_bytes=7000)
    tags = [thumbs.tag(root / f"p{i:05d}.png", "x") for i in range(10)]
    assert 0 < sum("<img" in tag for tag in tags) < 10
    assert "page full" in tags[-1]
    assert sum(len(tag) for tag in tags if "<img" in tag) < 7500
    assert "<img" in thumbs.tag(root / "p00000.png", "x")  # known ones are free


@pytest.mark.parametrize("value", [0.5, -1.0])
def test_charts_of_constant_values(value):
    constant = np.full(5, value)
    for chart in (charts.histogram(constant, constant), charts.shares(np.ones(1))):
        Outline(chart)
        assert "nan" not in chart and ">-0<" not in chart


def test_histogram_bars_have_the_height_of_their_share():
    chart = charts.histogram(np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.0, 1.0]), 2)
    selected = re.search(r'class="chosen" points="([^"]*)"', chart)[1].split()
    heights = [float(point.split(",")[1]) for point in selected]
    base, top = max(heights), min(heights)
    # 1/4 left, 3/4 right, and the highest bar fills the chart.
    assert heights[1] == pytest.approx(base - (base - top) / 3, abs=0.1)
    assert top == 12
