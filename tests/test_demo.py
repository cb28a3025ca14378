"""What `demo/` shows works, as it is written there."""

import runpy
import sys

from mmtaskssl.apis import Selected


def test_from_images_to_an_export(repo_root, tmp_path, monkeypatch, capsys):
    script = repo_root / "demo" / "from_images_to_export.py"
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    names = runpy.run_path(str(script), run_name="__main__")
    assert isinstance(names["chosen"], Selected) and len(names["chosen"]) == 40
    exported = {path.parent.name for path in tmp_path.glob("exports/*/meta.json")}
    assert exported == {"s8-w8.16.32.64-d1.1.1.1", "s32-w32.64.128.256-d1.1.1.1"}
    assert (tmp_path / "selection" / "report.html").is_file()
    said = capsys.readouterr().out
    for result in ("chosen", "trained", "exports", "found", "clusters", "routing"):
        assert names[result].table() in said
