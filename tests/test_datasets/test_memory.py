from mmtaskssl.datasets import memory


def test_a_containers_limit_counts(tmp_path, monkeypatch):
    machine = memory.available_memory()
    assert machine > 0
    (tmp_path / "max").write_text("3000\n")
    (tmp_path / "now").write_text("1000\n")
    files = (str(tmp_path / "max"), str(tmp_path / "now"))
    monkeypatch.setattr(memory, "_CGROUPS", (("/gone", "/gone"), files))
    assert memory.available_memory() == 2000
    (tmp_path / "max").write_text("max\n")
    assert memory.available_memory() > 2000
