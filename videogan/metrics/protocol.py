"""What a number depends on, written into every report; and the comparison of two reports, or its refusal."""

import hashlib
import json
import os
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from videogan.data.folder import VideoFolder
from videogan.device import environment
from videogan.errors import MissingPathError, UsageError
from videogan.metrics.features import FeatureNet
from videogan.metrics.sources import CHOICE, ClipRule

VERSION = 1
Report = dict[str, Any]


def real_protocol(net: FeatureNet, rule: ClipRule, *, clips: int, seed: int, precision: str) -> dict[str, Any]:
    """Return what the measures of the real set depend on, the files left out."""
    return {
        "features": net.name,
        "weights_hash": net.hash,
        **{f"features_{name}": value for name, value in net.protocol.items()},
        "features_resize": net.resize,
        "features_precision": precision,
        "size": rule.size,
        "fit": rule.fit,
        "num_frames": rule.num_frames,
        "frame_stride": rule.frame_stride,
        "frame_rate": rule.frame_rate,
        "short": rule.short,
        "clip_choice": CHOICE,
        "clips_asked": clips,
        "seed": seed,
    }


def real_set(folder: VideoFolder) -> str:
    """Return a name of the set that is the same wherever the folder lies: of relative paths and sizes of files."""
    digest = hashlib.sha256()
    for video in folder.videos:
        name = os.fsencode(os.path.relpath(video.path, folder.root))
        digest.update(name + b"\0" + str(video.path.stat().st_size).encode() + b"\0")
    return digest.hexdigest()[:16]


def versions(device: torch.device) -> dict[str, str]:
    """Return the versions and the machine that figures were made with."""
    found = environment(device)
    for package in ("scipy", "scikit-learn", "torchmetrics"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def read_report(path: Path) -> Report:
    """Read a report.json, or the one in a folder.

    Raises:
        MissingPathError: there is none.
        UsageError: it is no report of this version.
    """
    file = path / "report.json" if path.is_dir() else path
    if not file.exists():
        raise MissingPathError(f"{file}: no such report; `videogan evaluate` writes one")
    try:
        report: Report = json.loads(file.read_text(encoding="utf-8"))
        if (
            report["version"] == VERSION
            and isinstance(report["protocol"], dict)
            and isinstance(report["metrics"], dict)
        ):
            return report
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise UsageError(f"{file}: not a report that this version can read; make it anew by `videogan evaluate`")


def first_difference(a: Report, b: Report) -> str | None:
    """Return the first line of the protocols that differs, in words, or None."""
    one, two = a["protocol"], b["protocol"]
    for name in [*one, *(name for name in two if name not in one)]:
        if one.get(name) != two.get(name):
            return f"{name}: {one.get(name)} against {two.get(name)}"
    return None


def compare(a: Report, b: Report, names: tuple[str, str]) -> Report:
    """Return the values of both reports by metric, with what the kernel distances' intervals say.

    Raises:
        UsageError: the protocols differ.
    """
    difference = first_difference(a, b)
    if difference is not None:
        raise UsageError(
            f"{names[0]} and {names[1]} cannot be compared, their protocols differ in {difference}; "
            "evaluate both in the same way"
        )
    shared = [name for name in a["metrics"] if name in b["metrics"]]
    rows = {
        name: {
            "a": a["metrics"][name]["value"],
            "b": b["metrics"][name]["value"],
            "real_vs_real": a["metrics"][name]["real_vs_real"],
            "goal": a["metrics"][name]["goal"],
        }
        for name in shared
    }
    notes = [
        f"{name} differs: {a['versions'].get(name)} against {b['versions'].get(name)}"
        for name in a.get("versions", {})
        if a["versions"].get(name) != b.get("versions", {}).get(name)
    ]
    one, two = (report["metrics"].get("kernel_distance", {}).get("interval") for report in (a, b))
    if one and two:
        apart = one[1] < two[0] or two[1] < one[0]
        notes.append("the kernel distances' 95 % intervals " + ("lie apart" if apart else "overlap: no clear winner"))
    return {"a": names[0], "b": names[1], "metrics": rows, "notes": notes}
