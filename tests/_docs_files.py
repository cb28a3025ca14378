"""Files that sentences of the texts name: code writes them, and runs leave them."""

import functools
import re
from pathlib import Path

from mmtaskssl.utils.paths import resource_root
from tests import _docs

ROOT = resource_root("tools").parent
_FILE = re.compile(
    r"[\w.*-]+(?:/[\w.*-]+)*"
    r"\.(?:npy|csv|html|jsonl?|svg|txt|sh|safetensors|parquet|tar|md|log|yml)"
)
#: Files whose names are those of the target's parts.
_OF_PARTS = ("train.json", "test.json", "train.csv", "test.csv")


@functools.cache
def _written_names() -> frozenset[str]:
    """Names of files that the package's code has, and of those that lie about."""
    names: set[str] = set()
    literal = re.compile(r"""["'](?:[^"'\n]*/)?([\w.-]+\.\w+)["']""")
    for path in (ROOT / "mmtaskssl").rglob("*.py"):
        names |= {*literal.findall(path.read_text(encoding="utf-8"))}
    for folder in ("docs", "demo", "tools", "configs"):
        names |= {path.name for path in (ROOT / folder).rglob("*.*")}
    return frozenset(names)


def file_faults(page: str, text: str) -> list[str]:
    """Says which files that sentences name no code writes, and are not there either."""
    faults = []
    for code in _docs.codes(text):
        if not _FILE.fullmatch(code) or code in _OF_PARTS:
            continue
        name = code.rpartition("/")[2]
        if name.startswith("*."):
            continue
        if name not in _written_names() and not any(ROOT.glob(code)):
            faults.append(f"{page}: {code}: nothing writes {name}")
    return faults


def lacking(text: str, outputs: dict[str, set[str]]) -> list[str]:
    """Returns files that sentences name, in folders that commands wrote, and are not.

    Args:
        text: A page.
        outputs: Folder, as the page calls it -> where it lies.
    """
    found = []
    for code in _docs.codes(text):
        first, _, rest = code.partition("/")
        if not re.fullmatch(r"[\w.*-]+(/[\w.*-]+)*", rest) or first not in outputs:
            continue
        if any(part.isupper() for part in rest.split("/")):
            continue  # it stands for names
        if not any(any(Path(place).glob(rest)) for place in outputs[first]):
            found.append(code)
    return found
