import subprocess
import sys

from mmtaskssl.utils.peak import peak_bytes

# A process of 600 MB starts another one, which tells its own peak.
_LARGE = """
import subprocess, sys
held = bytearray(600_000_000)
held[::4096] = bytes(len(held[::4096])).replace(b"\\0", b"\\1")
code = "from mmtaskssl.utils.peak import peak_bytes; print(peak_bytes())"
subprocess.run([sys.executable, "-c", code], check=True)
"""


def test_the_peak_is_of_this_process_and_not_of_the_one_that_started_it():
    held = bytearray(b"x") * 200_000_000
    assert peak_bytes() > len(held)
    said = subprocess.run([sys.executable, "-c", _LARGE], stdout=-1, check=True)
    assert 5e6 < int(said.stdout) < 550e6
