"""What ``videogan inspect`` says of a run, a checkpoint, a weights or latents file, and the recipe in a video."""

import json
from pathlib import Path
from typing import Any

from videogan.artifacts.latents_file import holds_latents, load_latents
from videogan.artifacts.provenance import Recipe
from videogan.checkpoint import WEIGHTS, Card, fingerprint, list_checkpoints, newest_checkpoint, read_card
from videogan.errors import CheckpointError
from videogan.runs import RunFolder, find_weights


def model_report(path: Path) -> dict[str, Any]:
    """Return what is known of a model.

    Raises:
        CheckpointError: it is damaged; a run without a checkpoint is reported all the same.
    """
    if path.is_file() and holds_latents(path):
        return _latents_report(path)
    if path.is_file() or (path / WEIGHTS).is_file():
        weights = find_weights(path)
        return {"kind": "weights" if path.is_file() else "checkpoint", "path": str(path), **_weights_report(weights)}
    run = RunFolder(path)
    newest = newest_checkpoint(run.checkpoints)
    return {
        "kind": "run",
        "path": str(path),
        "status": _json(run.status),
        "metrics": _last_line(run.metrics),
        "checkpoints": [checkpoint.name for checkpoint in list_checkpoints(run.checkpoints)],
        **({} if newest is None else _weights_report(newest / WEIGHTS)),
    }


def model_lines(report: dict[str, Any]) -> list[str]:
    """Say a report in a few lines."""
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
    if report.get("status"):
        lines.append("status: " + ", ".join(f"{name} {value}" for name, value in report["status"].items()))
    numbers = {name: value for name, value in (report.get("metrics") or {}).items() if isinstance(value, float)}
    if numbers:
        lines.append("last figures: " + ", ".join(f"{name} {value:.4g}" for name, value in numbers.items()))
    return lines


def recipe_lines(recipe: Recipe) -> list[str]:
    """Say a recipe in a few lines."""
    options = ", ".join(f"{name} {value}" for name, value in recipe.options.items() if value not in (None, False))
    versions = ", ".join(f"{name} {number}" for name, number in recipe.versions.items())
    return [
        f"made by videogan {recipe.videogan} {recipe.command}: seed {recipe.seed}, frames {recipe.frames}",
        f"model sha256 {recipe.model_sha256}, step {recipe.step}, on {recipe.device}",
        f"options: {options}",
        f"versions: {versions}",
    ]


def _weights_report(weights: Path) -> dict[str, Any]:
    card: Card = read_card(weights)
    data = card.config.data
    file = fingerprint(weights)
    return {
        "sha256": file.sha256,
        "bytes": file.size,
        "step": card.step,
        "clips_seen": card.clips_seen,
        "preset": card.config.preset,
        "size": data.size,
        "num_frames": data.num_frames,
        "frame_rate": float(card.frame_rate),
        "classes": list(card.class_names),
        "parameters": _parameters(weights),
    }


def _latents_report(path: Path) -> dict[str, Any]:
    file = load_latents(path)
    return {
        "kind": "latents",
        "path": str(path),
        "frames": file.latents.num_frames,
        "frame_rate": float(file.frame_rate),
        "class": file.class_name,
        "model_sha256": file.model_sha256,
    }


def _parameters(weights: Path) -> dict[str, int]:
    """Count the numbers in the weights of each network, from the header alone."""
    from math import prod

    from safetensors import SafetensorError, safe_open

    counts: dict[str, int] = {}
    try:
        with safe_open(weights, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 (a handle, not a dict)
                network = name.split(".")[0]
                counts[network] = counts.get(network, 0) + prod(file.get_slice(name).get_shape())
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{weights}: not a readable weights file ({error})") from None
    return counts


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _last_line(path: Path) -> dict[str, Any]:
    """Return the last whole object of a file with one JSON object per line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in reversed(lines):
        try:
            content = json.loads(line)
        except ValueError:
            continue
        return content if isinstance(content, dict) else {}
    return {}
