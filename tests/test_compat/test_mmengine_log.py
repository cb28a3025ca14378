import logging
import subprocess
import sys

from mmengine.logging import MMLogger, print_log

_LATER = """
import logging
import mmtaskssl
from mmengine.logging.logger import MMFormatter
address = ("https://u:pw@h/x?s=1",)
record = logging.LogRecord("a", logging.INFO, "", 1, "%s", address, None)
print(MMFormatter(color=False).format(record))
"""


def test_the_log_names_addresses_without_what_opens_them(tmp_path):
    file = tmp_path / "a.log"
    logger = MMLogger("secrets", log_file=str(file))
    print_log("path: https://u:pw@h/x.pth?sig=abc", logger)
    logger.log(logging.ERROR, "token='%s'", "abc")
    for handler in logger.handlers:
        handler.close()
    text = file.read_text()
    assert "path: https://h/x.pth\n" in text and "token='***'" in text
    assert "abc" not in text and "pw" not in text


def test_mmengine_that_comes_later_is_told():
    command = [sys.executable, "-c", _LATER]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("INFO - https://h/x\n")
