"""Pages as a Chromium shows them; skipped where there is none."""

import pytest

from tests._chromium import Chromium, executable
from tests._report_pages import every_kind
from tests.check_pages import in_browser

pytestmark = pytest.mark.skipif(executable() is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def browser():
    with Chromium(executable()) as opened:
        yield opened


def test_every_page_is_as_wide_as_a_phone_and_the_console_is_silent(browser, tmp_path):
    wrong = {}
    for kind, page in every_kind(tmp_path / "made").items():
        file = tmp_path / f"{kind}.html"
        file.write_text(page, encoding="utf-8")
        wrong[kind] = in_browser(browser, file)
    assert len(wrong) == 8 and not any(wrong.values()), wrong


def test_what_is_wrong_is_seen(browser, tmp_path):
    file = tmp_path / "bad.html"
    file.write_text(
        "<!doctype html><title>t</title><meta name='viewport' "
        "content='width=device-width'><p style='width:900px;color:#bbb'>faint</p>"
        "<img src='absent.png' alt='x'><script>console.error('oh'); f()</script>"
    )
    found = "\n".join(in_browser(browser, file, tmp_path / "pictures"))
    for said in ("phone: 908 px wide", "faint, faint", "absent.png", "oh", "Uncaught"):
        assert said in found
    kept = {path.name for path in (tmp_path / "pictures").iterdir()}
    views = ("desktop", "dark", "phone", "print")
    assert kept == {f"{tmp_path.name}-bad-{view}.png" for view in views}
