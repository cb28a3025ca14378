"""Rules that every HTML page of the package keeps, seen by a parser alone."""

import html.parser
import itertools
import re

VOID = {"meta", "img", "br", "link", "hr", "input", "col", "wbr"}
_LOADING = ("src", "href", "srcset", "data", "poster", "action", "xlink:href")
_OUTSIDE = re.compile(r"url\((?!\s*['\"]?data:)|@import", re.I)


class Page(html.parser.HTMLParser):
    """Reads a page and notes what breaks a rule.

    Args:
        text: Of the page.
    """

    def __init__(self, text: str):
        super().__init__()
        self.broken: list[str] = []
        self.open: list[tuple[str, dict]] = []
        self.headings: list[tuple[int, str]] = []
        self.counts: dict[str, int] = {}
        self.title, self.meta, self.links, self.ids = "", {}, [], set()
        self._cells = 0
        self._rule(text.startswith("<!doctype html>"), "no doctype")
        self.feed(text)
        self.close()
        self._rule(not self.open, f"left open: {[tag for tag, _ in self.open]}")
        self._whole()

    def _rule(self, holds, what: str) -> None:
        if not holds:
            self.broken.append(what)

    def _whole(self) -> None:
        self._rule(self.title.strip(), "no title")
        self._rule("viewport" in self.meta, "no viewport")
        policy = self.meta.get("Content-Security-Policy", "")
        self._rule("default-src 'none'" in policy, "no policy that forbids to load")
        self._rule("script" not in policy, "a policy that lets scripts run")
        self._rule(self.counts.get("main") == 1, "not one main part")
        levels = [level for level, _ in self.headings]
        self._rule(
            levels[:1] == [1] and levels.count(1) == 1, f"h1 is not one: {levels}"
        )
        for before, after in itertools.pairwise(levels):
            self._rule(after <= before + 1, f"h{after} follows h{before}")
        self._rule(all(said.strip() for _, said in self.headings), "an empty heading")

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        inside = [name for name, _ in self.open]
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append((tag, values))
        self._attributes(tag, values)
        self._rule(tag not in ("script", "iframe", "object", "embed", "form"), tag)
        if tag == "html":
            self._rule(values.get("lang"), "no language")
        elif tag == "meta":
            name = values.get("name") or values.get("http-equiv") or "charset"
            self.meta[name] = values.get("content") or ""
            late = name == "Content-Security-Policy" and "style" in self.counts
            self._rule(not late, "a policy after what it governs")
        elif tag == "img":
            self._rule((values.get("alt") or "").strip(), "an image without alt")
        elif tag == "svg" and "svg" not in inside:
            named = values.get("role") == "img" and values.get("aria-label")
            self._rule(named or values.get("aria-hidden"), "an unnamed drawing")
        elif tag == "table":
            boxed = any(
                "wide" in (v.get("class") or "").split() or name == "details"
                for name, v in self.open
            )
            self._rule(boxed, "a table without a box that scrolls")
        elif tag == "tr":
            self._cells = 0
        elif tag in ("td", "th"):
            self._cell(tag, values, inside)
        elif tag == "summary":
            self._rule(inside[-1] == "details", "a summary of nothing")
        elif tag[0] == "h" and tag[1:].isdigit():
            self.headings.append((int(tag[1:]), ""))

    def _cell(self, tag, values, inside):
        self._cells += 1
        scope = "col" if "thead" in inside else "row"
        if tag == "th":
            self._rule(values.get("scope") == scope, f"th without scope {scope}")
        else:
            self._rule(self._cells > 1, "a row that nothing heads")

    def _attributes(self, tag, values):
        for name, value in values.items():
            self._rule(not name.startswith("on"), f"{tag} {name}: a script")
            address = (value or "").strip().lower()
            if name in _LOADING:
                self._rule(not address.startswith("javascript:"), "a script as a link")
                if tag == "a":
                    self.links.append(value)
                else:
                    self._rule(
                        address.startswith("data:"), f"{tag} loads {address:.60}"
                    )
            if name == "style":
                self._rule(not _OUTSIDE.search(value), "a style that loads")
        if "wide" in (values.get("class") or "").split():
            reached = values.get("tabindex") == "0" and values.get("aria-label")
            self._rule(reached, "a box that the keyboard does not reach, or unnamed")
        if "id" in values:
            self._rule(values["id"] not in self.ids, f"two of id {values['id']}")
            self.ids.add(values["id"])

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.broken.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data):
        tag = self.open[-1][0] if self.open else ""
        if tag == "title" and not any(name == "svg" for name, _ in self.open):
            self.title += data
        elif tag == "style":
            self._rule(not _OUTSIDE.search(data), "a style that loads")
        if any(re.fullmatch("h[1-6]", name) for name, _ in self.open):
            level, said = self.headings[-1]
            self.headings[-1] = (level, said + data)


def luminance(colour: str) -> float:
    """Returns the relative luminance of #rrggbb (WCAG 2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Returns the ratio of contrast of two colours, 1 to 21 (WCAG 2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
