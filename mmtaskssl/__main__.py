"""``python -m mmtaskssl TOOL ...``: the tools folder, wherever it was installed."""

import runpy
import sys

from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.paths import resource_root


def _run(argv=None):
    argv = list(sys.argv[1:] if argv is None else argv)
    root = resource_root("tools")
    tools = sorted(str(p.relative_to(root).with_suffix("")) for p in root.rglob("*.py"))
    if not argv or argv[0] in ("-h", "--help"):
        print("usage: mmtaskssl TOOL [arguments]\n\ntools:")
        print("\n".join(f"  {name}" for name in tools))
        return 0
    if argv[0] not in tools:
        raise UserError(f"unknown tool {argv[0]!r}; one of: {', '.join(tools)}")
    script = root / f"{argv[0]}.py"
    sys.argv = [str(script), *argv[1:]]
    runpy.run_path(str(script), run_name="__main__")
    return 0


def main() -> None:
    """Entry point of the console script."""
    run_tool(_run)


if __name__ == "__main__":
    main()
