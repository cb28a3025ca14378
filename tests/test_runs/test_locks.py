"""Where a system has no file locks, one sentence says what to do."""

from tests.test_compat._fresh import output_of


def test_windows_is_told_of_wsl():
    said = output_of("""
        import sys
        sys.modules["fcntl"] = None  # as under Windows
        from mmtaskssl.utils.errors import UserError
        try:
            import mmtaskssl.runs
        except UserError as error:
            print(error)
    """)
    assert said.startswith("mmtaskssl runs on Linux and macOS") and "WSL" in said
