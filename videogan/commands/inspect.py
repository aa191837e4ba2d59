"""``videogan inspect``: what a video, a folder of videos or a model holds, and how a video was made."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import videogan
from videogan.commands import options
from videogan.commands.console import echo, printable
from videogan.commands.progress import bars


def inspect(
    path: Annotated[
        Path, typer.Argument(readable=False, help="A video, a folder or tars of them, a run, a checkpoint or weights.")
    ],
    as_json: options.JsonOption = False,
) -> None:
    """Show what a video, a folder or a model holds, or why it cannot be used; of an own video, how it was made.

    Ends with 3 if nothing in it can be used.
    """
    with bars() as show:
        report = videogan.inspect(path, partial(show, "reading"))
    echo(*([json.dumps(report)] if as_json else _lines(report, path)))
    if report.get("status") == "rejected" or ("files" in report and not report["totals"]["videos"]):
        raise typer.Exit(3)


def _lines(report: dict[str, Any], path: Path) -> list[str]:
    if "files" in report:
        return _folder_lines(report, path)
    if report.get("kind") == "sheet":
        return [f"{report['path']}: a sheet of frames", *_provenance_lines(report["recipe"])]
    if "kind" in report:
        return _model_lines(report)
    return [_file_line(report, None), *(_provenance_lines(report["recipe"]) if "recipe" in report else [])]


def _file_line(file: dict[str, Any], root: Path | None) -> str:
    name = _name(file["path"], root)
    if file["status"] == "rejected":
        return f"{name}: rejected: {file['reason']}"
    class_name = f", class {file['class']}" if file["class"] else ""
    salvaged = f", salvaged: {file['reason']}" if file["status"] == "salvaged" else ""
    return (
        f"{name}: {file['frames']} frames of {file['width']}x{file['height']} at {file['frame_rate']:.6g} fps, "
        f"{file['duration_seconds']:.2f} s, {file['codec']}{class_name}{salvaged}"
    )


def _name(name: str, root: Path | None) -> str:
    """Return the name of a video as seen from a folder, or the whole of it where the folder was named by a pattern."""
    path = Path(name)
    return printable(path.relative_to(root) if root is not None and root in path.parents else name)


def _folder_lines(report: dict[str, Any], root: Path) -> list[str]:
    totals = report["totals"]
    lines = [_file_line(file, root) for file in report["files"]]
    lines.append(
        f"total: {totals['videos']} videos ({totals['salvaged']} salvaged), {totals['frames']} frames, "
        f"{totals['duration_seconds']:.1f} s; {totals['rejected']} rejected, {totals['hidden']} hidden, "
        f"{totals['ignored']} other files"
    )
    titles = {"classes": "classes", "frames_histogram": "frames", "sizes": "sizes", "frame_rates": "frame rates"}
    for key, title in titles.items():
        if totals[key]:
            lines.append(f"{title}: " + ", ".join(f"{name}: {count}" for name, count in totals[key].items()))
    if totals["parts"]:
        names = ", ".join(totals["parts"].values())
        lines.append(f"parts of a data set, not classes: {names}; train takes {totals['parts']['train']}")
    if totals["classes"] and totals["unlabelled"]:
        lines.append(f"{totals['unlabelled']} videos lie outside the class folders: train needs data.labels=none")
    groups = [[_name(path, root) for path in group] for group in totals["near_duplicates"]]
    lines += [f"near duplicates: {', '.join(group)}" for group in groups]
    return lines + (_training_lines(totals) if totals["videos"] else ["cannot be trained on: no usable video"])


def _training_lines(totals: dict[str, Any]) -> list[str]:
    lines, videos = [], totals["videos"]
    for name, fit in totals["training"].items():
        short = videos - fit["long_enough"]
        policy = f"; {short} shorter ones repeat their last frame (data.short=skip leaves them out)" if short else ""
        small = videos - fit["large_enough"]
        enlarged = f"; {small} smaller ones are enlarged" if small else ""
        lines.append(f"preset {name}: clips of {fit['num_frames']} frames, {fit['size']} pixels{policy}{enlarged}")
    return lines


def _model_lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{report['path']}: {report['kind']}"]
    if report["kind"] == "latents":
        class_name = f", class {report['class']}" if report["class"] else ""
        return [
            f"{lines[0]} of {report['frames']} frames at {report['frame_rate']:.6g} fps{class_name}",
            f"of the model with sha256 {report['model_sha256']}",
        ]
    if report["kind"] == "run":
        lines.append("checkpoints: " + (", ".join(report["checkpoints"]) or "none yet"))
    if "sha256" in report:
        parameters = ", ".join(f"{name} {count:,}" for name, count in report["parameters"].items())
        lines += [
            f"step {report['step']}, {report['clips_seen']} clips seen, preset {report['preset']}",
            f"videos of {report['size']}x{report['size']} at {report['frame_rate']:.6g} fps, "
            f"trained on clips of {report['num_frames']} frames",
            f"classes: {', '.join(report['classes']) or 'none'}",
            f"parameters: {parameters}; {report['bytes']:,} bytes",
            f"sha256 {report['sha256']}",
        ]
        if report["started_from"]:
            lines.append("started from {model}, tensors {sha256}".format(**report["started_from"]))
    if report.get("status"):
        lines.append("status: " + ", ".join(f"{name} {value}" for name, value in report["status"].items()))
    numbers = {name: value for name, value in (report.get("metrics") or {}).items() if isinstance(value, float)}
    if numbers:
        lines.append("last figures: " + ", ".join(f"{name} {value:.4g}" for name, value in numbers.items()))
    return lines


def _provenance_lines(about: dict[str, Any]) -> list[str]:
    options = ", ".join(f"{name} {value}" for name, value in about["options"].items() if value not in (None, False))
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    ancestor = f", started from tensors {about['ancestor_sha256']}" if about.get("ancestor_sha256") else ""
    return [
        f"made by videogan {about['videogan']} {about['command']}: seed {about['seed']}, frames {about['frames']}",
        f"model sha256 {about['model_sha256']}, step {about['step']}, on {about['device']}{ancestor}",
        f"options: {options}",
        f"versions: {versions}",
    ]
