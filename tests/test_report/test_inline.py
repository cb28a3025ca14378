"""What values show in notebooks: escaped, without secrets, without images if asked."""

import base64
import inspect

import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.customize.customized import Customized
from mmtaskssl.engine.pretrained import Pretrained
from mmtaskssl.networks.network import Network
from mmtaskssl.report import showing
from mmtaskssl.report.inline import as_text, drawing, pictures
from mmtaskssl.search.result import SearchResult

from .test_thumbs import assert_without_images, stores  # noqa: F401

TOKEN = "https://someone:password@example.org/images"


def test_text_is_escaped_and_tells_no_secret():
    shown = as_text(f"<b>bold</b> & {TOKEN}")
    assert "&lt;b&gt;bold&lt;/b&gt; &amp;" in shown and "password" not in shown


def test_a_chart_keeps_its_styles_to_itself():
    shown = drawing("<svg><style>text{fill:red}</style></svg>", "svg+xml")
    assert shown.startswith('<img src="data:image/svg+xml;base64,')
    assert "<style>" not in shown
    data = base64.b64decode(shown.split("base64,")[1].split('"')[0])
    assert data == b"<svg><style>text{fill:red}</style></svg>"


def test_pictures_have_names_that_are_escaped(tmp_path):
    rows = [("<row>", [(None, '"><script>')]), ("without", [])]
    shown = pictures(rows)
    assert "&lt;row&gt;" in shown and "<script>" not in shown
    assert "folder unknown" in shown and "without" not in shown
    assert pictures([("nothing", [])]) == ""
    with showing(False):
        assert pictures(rows) == ""


def test_selections_and_clusters_show_images(stores):  # noqa: F811
    pool, target = stores
    selected = apis.select(pool, target, 6)
    shown = selected._repr_html_()
    assert shown.startswith("<pre>") and "6 of 40" in shown
    assert shown.count("data:image/jpeg") == 6
    assert all(name in shown for name in selected.image_ids)
    clusters = apis.cluster(pool, "2x2")
    shown = clusters._repr_html_()
    assert all(f"cluster {leaf}, " in shown for leaf in range(4))
    assert shown.count("data:image/jpeg") == sum(min(10, n) for n in clusters.sizes)


def test_images_that_were_asked_to_stay_out_do(stores):  # noqa: F811
    pool, target = stores
    for value in (
        apis.select(pool, target, 6, thumbnails=False),
        apis.cluster(pool, "2x2", thumbnails=False),
    ):
        assert_without_images(value._repr_html_() + "<table")
    with showing(False):
        assert "data:" not in apis.select(pool, target, 6)._repr_html_()


def test_a_selection_whose_folder_is_unknown_says_so(stores):  # noqa: F811
    pool = apis.MemoryStore(stores[0].read(), stores[0].image_ids)
    assert "folder unknown" in apis.select(pool, pool, 3)._repr_html_()


def _trained(history):
    return Pretrained("c.py", None, "work", None, 2, history)


def test_a_training_shows_its_curves_once():
    rows = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.5}]
    shown = _trained(rows)._repr_html_()
    assert "2.0000 -&gt; 1.5000" in shown and "data:image/svg+xml" in shown
    page = _trained(rows).page()
    assert page.count("<polyline") == 1 and "data:image/svg+xml" not in page
    assert "<img" not in _trained([])._repr_html_()


def test_a_search_shows_its_plot():
    pytest.importorskip("matplotlib")
    row = {"metric": "global", "ci": [0.1, 0.3], "params": 5, "similarity": 0.2}
    rows = tuple({**row, "subnet": f"s{i}", "macs": 10**6 * (1 + i)} for i in range(3))
    found = SearchResult(rows, (), ("global",), {}, {}, {}, {})
    shown = found._repr_html_()
    assert "s0" in shown and "data:image/png" in shown


def test_a_customization_begins_with_its_answer(tmp_path):
    verdict = {"budget": "", "metric": "linear", "level": 0.95, "note": ""}
    verdict |= {"primary": "start", "candidate": "scratch", "chosen": "scratch"}
    verdict |= {"recommended": "scratch", "outcome": "better", "lead": None}
    verdict["names"] = {"start": "a<b", "scratch": "our <network>"}
    verdict["differences"] = []
    record = {"verdict": [verdict], "arms": [], "inputs": {}}
    found = Customized(tmp_path, record)
    shown = found._repr_html_()
    assert shown.startswith("<p><b>Use our &lt;network&gt;: ")
    assert str(tmp_path / "report.html") in shown
    assert "Use our &lt;network&gt;: " in found.verdict._repr_html_()
    plan = Customized(tmp_path, {"verdict": [], "arms": []})
    assert plan._repr_html_().startswith("<pre>a plan: ")


def test_a_network_says_what_it_is():
    network = apis.open_network("torchvision:resnet18", "random")
    shown = network._repr_html_()
    assert "torchvision:resnet18" in shown and "11.18M" in shown and "drawn" in shown


def test_a_paired_difference_is_a_sentence():
    found = apis.paired_difference(np.array([2.0, 3.0]), np.array([1.0, 1.5]))
    assert str(found) in found._repr_html_()


def test_every_public_value_shows_itself():
    values = {n for n in apis.__all__ if inspect.isclass(getattr(apis, n))}
    plain = {"FineTuning", "Latency"}  # an option; three figures in Python's own form
    without = {n for n in values if not hasattr(getattr(apis, n), "_repr_html_")}
    assert without == plain and hasattr(Network, "_repr_html_")
