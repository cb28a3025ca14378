"""Rules that every page keeps, whatever the names on it."""

import re
from importlib import resources

import pytest

from mmtaskssl import report
from mmtaskssl.report import html_page
from mmtaskssl.report.parts import Html, notes, table, text, told, wide
from tests._pages import Page, contrast
from tests._report_pages import HOSTILE, every_kind, large


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return every_kind(tmp_path_factory.mktemp("pages"))


def test_every_page_keeps_the_rules(pages):
    assert len(pages) == 8
    assert {kind: Page(page).broken for kind, page in pages.items() if page} == {
        kind: [] for kind in pages
    }


def test_names_are_shown_and_never_become_markup(pages):
    for kind, page in pages.items():
        assert "<script" not in page and "onerror=alert(1)>" not in page, kind
        # As text, and as part of attributes.
        assert "&lt;script&gt;alert(2)&lt;&amp;amp;" in page, kind
    assert "Of <code>option</code>" in pages["selection"]


WHOLE = html_page("t", ["<h1>t</h1>"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('lang="en"', ""), "no language"),
        (("<title>t</title>", "<title></title>"), "no title"),
        (("default-src 'none'", "default-src 'self'"), "forbids to load"),
        (("<main>", "<div>"), "not one main part"),
        (("<h1>t</h1>", ""), "h1 is not one"),
        (("</h1>", "</h1><h3>u</h3>"), "h3 follows h1"),
        (("</h1>", '</h1><img src="data:,">'), "without alt"),
        (("</h1>", '</h1><img alt="x" src="https://e.org/i.png">'), "loads https"),
        (("</h1>", "</h1><script></script>"), "script"),
        (("</h1>", '</h1><a href="javascript:f()">x</a>'), "a script as a link"),
        (("</h1>", '</h1><b onclick="f()">x</b>'), "a script"),
        (("</h1>", '</h1><b style="background:url(//e.org/i)">x</b>'), "style that"),
        (("</style>", "@import 'x';</style>"), "style that loads"),
        (("</h1>", "</h1><svg></svg>"), "an unnamed drawing"),
        (("</h1>", "</h1><table><tr><th>x</th></tr></table>"), "without a box"),
        (("</h1>", f"</h1>{wide('<table><tr><td></td></tr></table>', 'x')}"), "heads"),
        (("</h1>", f"</h1>{wide('<table><tr><th></th></tr></table>', 'x')}"), "scope"),
        (("</h1>", '</h1><div class="wide">x</div>'), "does not reach"),
        (("</h1>", "</h1><p><b>x</p></b>"), "closes"),
        (("</h1>", "</h1><p>"), "closes"),
    ],
)
def test_the_rules_see_what_is_wrong(change, said):
    assert not Page(WHOLE).broken
    assert any(said in one for one in Page(WHOLE.replace(*change)).broken)


def test_parts_escape_what_is_not_markup():
    assert text(HOSTILE) == text(text(HOSTILE)) and "<" not in text(HOSTILE)
    bold = Html("<b>x</b>")
    shown = table(["", "(drawn)", HOSTILE], [[HOSTILE, bold, 3]], HOSTILE)
    assert "<b>x</b>" in shown and "<td>3</td>" in shown and "<img" not in shown
    assert '<span class="heard">drawn</span>' in shown
    assert told(f"`a` {HOSTILE}").startswith("<code>a</code> &quot;")
    assert notes([("", "x"), ("warning", "y")]) == (
        '<ul class="notes"><li>x</li><li class="warning">y</li></ul>'
    )
    assert notes([]) == ""


def test_colours_are_told_apart_on_paper_and_in_both_schemes():
    css = resources.files(report).joinpath("style.css").read_text(encoding="utf-8")
    schemes = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.S)
    ]
    assert len(schemes) == 3  # light, dark, print
    for colours in schemes:
        for ink in ("ink", "soft", "chosen"):
            for page in ("page", "card"):
                assert contrast(colours[ink], colours[page]) >= 4.5, (ink, page)
        assert contrast(colours["soft"], colours["empty"]) >= 4.5
        assert contrast(colours["warn"], colours["warn-page"]) >= 4.5
        assert contrast(colours["warn"], colours["page"]) >= 3  # a dot of a drawing
        assert contrast(colours["anywhere"], colours["page"]) >= 3
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_a_page_of_many_stays_small(tmp_path):
    many = 1000
    for kind, page in large(tmp_path, many).items():
        found = Page(page)
        assert not found.broken, kind
        assert len(page) < 1500 * many, kind
        # What is drawn is the best of it, not all.
        assert found.counts.get("circle", 0) < 1.1 * many, kind
        assert found.counts.get("img", 0) < many / 2, kind
