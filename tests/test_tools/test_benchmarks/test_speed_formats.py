from tests.test_tools._tools import load_tool


def test_every_format_is_timed_and_the_choice_named(capsys, monkeypatch):
    tool = load_tool("benchmarks/speed_formats")
    monkeypatch.setattr(tool.torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(tool, "has_native_bfloat16", lambda: False)
    monkeypatch.setattr(tool, "prefers_channels_last", lambda *_: True)
    tool.main(["--batch", "2", "--repeats", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.rsplit(maxsplit=2)[0] for line in lines[1:5]] == [
        "float32, contiguous_format",
        "float32, channels_last",
        "bfloat16, contiguous_format",
        "bfloat16, channels_last",
    ]
    assert all(float(line.split()[-2]) > 0 for line in lines[1:5])
    assert lines[5] == "chosen here: float32, channels_last"
