"""What was found in the data of a config, said before the first step."""

import logging
from collections.abc import Sequence

from mmengine.logging import print_log

from ..datasets.annotations.findings import Finding, refuse

_LEVELS = {"note": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def report(findings: Sequence[Finding]) -> None:
    """Says what is odd, and refuses what would mean nothing.

    Args:
        findings: All that were found.

    Raises:
        UserError: There is an error among them.
    """
    refuse(findings, _say)
    for finding in findings:
        _say(finding)


def _say(finding: Finding) -> None:
    print_log(f"annotations: {finding.text}", "current", _LEVELS[finding.level])
