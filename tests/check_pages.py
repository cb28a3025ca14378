"""Checks pages that were written: ``python -m tests.check_pages REPORT.html ...``.

The rules of `_pages`, and, where a Chromium is installed, what only a browser tells:
errors of the console, requests, the width on a phone, contrast as it is drawn in both
colour schemes, and the seconds until the page is there. ``--pictures DIR`` keeps what
was seen. Exits with 1 where anything is wrong.
"""

import argparse
import sys
from pathlib import Path

from ._chromium import Chromium, executable
from ._pages import Page

PHONE = {"width": 360, "height": 740, "phone": True}
VIEWS = {
    "desktop": {"width": 1280},
    "dark": {"width": 1280, "dark": True},
    "phone": PHONE,
    "print": {"width": 800, "media": "print", "dark": True},
}
# Of each text that is shown: its colour against what lies behind it (WCAG 2, AA).
_FAINT = """
(() => {
  const numbers = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const channel = c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
  const parts = [.2126, .7152, .0722];
  const light = c => parts.reduce((sum, p, i) => sum + p * channel(c[i]), 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const c = numbers(getComputedStyle(node).backgroundColor);
      if (c.length === 3 || c[3] > .5) return c;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  let looked = 0;  // at enough to have seen each kind of text
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode() && ++looked < 3000) {
    const node = walk.currentNode.parentElement, said = walk.currentNode.data.trim();
    if (!said || node.closest('.heard, title, style') || !node.getClientRects().length)
      continue;
    const style = getComputedStyle(node);
    const drawn = node.closest('svg') ? style.fill : style.color;
    const [a, b] = [light(numbers(drawn)), light(behind(node))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    if ((a + .05) / (b + .05) < least)
      found.add(`${said.slice(0, 40)}: ${((a + .05) / (b + .05)).toFixed(2)}`);
  }
  return [...found];
})()
"""


def in_browser(
    browser: Chromium, file: Path, pictures: Path | None = None
) -> list[str]:
    """Returns what is wrong with a page as a browser shows it."""
    wrong, address = [], file.resolve().as_uri()
    for name, view in VIEWS.items():
        seconds = browser.open(address, **view)
        wrong += [f"{name}: {said}" for said in browser.complaints()]
        asked = [url for url in browser.requested() if url != address]
        wrong += [f"{name}: asks for {url}" for url in asked]
        wide = browser.value("document.documentElement.scrollWidth")
        if wide > view["width"]:
            wrong.append(f"{name}: {wide} px wide")
        wrong += [f"{name}: faint, {said}" for said in browser.value(_FAINT)]
        print(f"{file.name} {name}: {seconds:.2f} s, {wide} px wide")
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            browser.picture(pictures / f"{file.parent.name}-{file.stem}-{name}.png")
    return wrong


def main() -> int:
    """Checks the files of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.check_pages")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--pictures", type=Path, metavar="DIR")
    args = parser.parse_args()
    wrong = {f: Page(f.read_text(encoding="utf-8")).broken for f in args.files}
    if path := executable():
        with Chromium(path) as browser:
            for file in args.files:
                wrong[file] += in_browser(browser, file, args.pictures)
    else:
        print("no Chromium here: pages were read, and not looked at")
    for file, found in wrong.items():
        for one in found:
            print(f"{file}: {one}", file=sys.stderr)
    return int(any(wrong.values()))


if __name__ == "__main__":
    sys.exit(main())
