"""``videogan doctor``: what this machine has of what is needed, and what to do about the rest."""

import json

import typer

import videogan
from videogan.commands.console import echo
from videogan.commands.options import JsonOption


def doctor(as_json: JsonOption = False) -> None:
    """Look at what training and sampling need, and say how to mend what is wrong.

    The exit code is 2 where something is.
    """
    findings = videogan.doctor()
    if as_json:
        echo(*json.dumps([finding._asdict() for finding in findings], indent=2).split("\n"))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            mark = "ok   " if finding.ok else "wrong"
            echo(f"{mark}  {finding.name:{width}}  {finding.what}" + ("" if finding.ok else f"; {finding.fix}"))
    if not all(finding.ok for finding in findings):
        raise typer.Exit(2)
