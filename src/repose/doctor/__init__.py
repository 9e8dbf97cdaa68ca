"""What of Repose is installed, found and missing on this machine, and whether it works: `repose doctor`.

findings.py   one finding, and the report of all
features.py   the extras: which packages each needs, and what it gives
machine.py    Python, torch, cores, memory, GPU, folders, settings; nothing heavy is imported
files.py      weights and networks, with their checksums
trying.py     really does it: loads, renders, finds joints, transfers, writes (`--try`)
"""

from repose.doctor.findings import Finding, Report, Status

__all__ = ["Finding", "Report", "Status", "examine"]


def examine(trying: bool = False) -> Report:
    """Look at this machine.

    Args:
        trying: also do what transfers and the extras do; that takes some seconds, and imports PyTorch.
    """
    from repose.doctor import features, files, machine

    findings = [*machine.look(), *features.look(), *files.look()]
    if trying:
        from repose.doctor.trying import attempts

        findings += attempts({one.name for one in findings if one.status == "ok"})
    return Report(findings)
