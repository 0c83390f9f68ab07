"""What keeps a program from the machine, as it was found here."""

from __future__ import annotations

import pydantic_monty as monty

from ouroboros_data.programs import jail, sandbox


def confinement(mode: jail.Mode = "auto", allow_unjailed: bool = False) -> dict[str, str]:
    """What keeps a program from the machine, in plain words, for ``doctor`` and the manifest.

    The jail is tried, not described: ``os_jail`` begins with "none" where it does not hold.
    """
    report = jail.probe(mode)
    facts = {
        "engine": f"pydantic-monty {monty.__version__}",
        "language": "an interpreter of its own: no CPython objects, imports, files, network or clock",
        "process": "a separate worker process with an empty environment, replaced when it dies",
        "limits": f"{sandbox.ALONE_S:g} s and {sandbox.MEMORY_BYTES >> 20} MB a program, call depth {sandbox.DEPTH}",
        "lint": "one function; no import, global, class, underscore names or attribute assignment",
    }
    layers = "; ".join(f"{name}: {said}" for name, said in report.layers.items())
    if report.holds:
        facts["os_jail"] = f"{'bubblewrap' if mode == 'bwrap' else 'holds'}; {layers}"
    else:
        consequence = "programs ran all the same" if allow_unjailed else "so programs are not run"
        facts["os_jail"] = f"none: {report.problem}; {consequence}"
    facts["second_opinion"] = (
        "accepted programs run again in a jailed CPython with another hash seed; its answer must be the same"
        if report.holds
        else "none: CPython runs programs in the jail only"
    )
    if report.tried:
        facts["os_jail_tried"] = "; ".join(f"{name}: {said}" for name, said in report.tried.items())
    return facts
