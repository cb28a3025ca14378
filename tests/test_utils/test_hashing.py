import hashlib

import pytest

from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.hashing import file_sha256, lines_sha256


def test_files_and_lines_of_the_same_bytes_are_the_same(tmp_path):
    lines = [b"a", b"caf\xe9.png"]
    (tmp_path / "list").write_bytes(b"\n".join(lines))
    decoded = [line.decode("utf-8", "surrogateescape") for line in lines]
    expected = hashlib.sha256(b"a\ncaf\xe9.png").hexdigest()
    assert lines_sha256(decoded) == file_sha256(tmp_path / "list") == expected


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*nowhere"):
        file_sha256(tmp_path / "nowhere")
