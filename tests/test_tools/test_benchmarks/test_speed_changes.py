from tests.test_tools._tools import load_tool


def test_each_change_is_timed_and_gives_the_same(tmp_path, capsys):
    tool = load_tool("benchmarks/speed_changes")
    status = tool.main(
        [
            *("--work-dir", str(tmp_path), "--rows", "300", "--dim", "8"),
            *("--queries", "4", "--budget", "40", "--added", "20"),
            *("--removed", "5", "--rounds", "1"),
        ]
    )
    text = capsys.readouterr().out
    lines = [line for line in text.splitlines() if line.startswith("|")]
    names = [line.split(" | ")[0].strip("| ") for line in lines[2:]]
    assert names == ["as it was", "20 rows added", "5 rows removed"]
    assert "20 of 320 rows of the pool are new" in text
    assert status == 0
