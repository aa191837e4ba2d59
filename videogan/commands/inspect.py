"""``videogan inspect``: what a video, a folder of videos or a model holds, and how a video was made."""

from pathlib import Path
from typing import Annotated, Any

import typer


def inspect(
    path: Annotated[
        Path, typer.Argument(readable=False, help="A video, a folder of videos, a run, a checkpoint or weights.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a video, a folder or a model holds, or why it cannot be used; of an own video, how it was made.

    Ends with 3 if nothing in it can be used.
    """
    report, usable = _describe(path)
    if as_json:
        import json

        typer.echo(json.dumps(report))
    else:
        typer.echo("\n".join(_lines(report, path)))
    if not usable:
        raise typer.Exit(3)


def _lines(report: dict[str, Any], path: Path) -> list[str]:
    if "files" in report:
        return _folder_lines(report, path)
    if "kind" in report:
        from videogan.commands.inspect_model import model_lines

        return model_lines(report)
    lines = [_file_line(report, None)]
    if "recipe" in report:
        from videogan.artifacts.provenance import Recipe
        from videogan.commands.inspect_model import recipe_lines

        lines += recipe_lines(Recipe.model_validate(report["recipe"]))
    return lines


def _looks_like_model(path: Path) -> bool:
    """Tell without loading torch whether a path needs it."""
    if path.is_dir():
        return (path / "generator.safetensors").is_file() or (
            (path / "config.json").is_file() and (path / "checkpoints").is_dir()
        )
    return path.suffix.lower() == ".safetensors" and path.is_file()


def _describe(path: Path) -> tuple[dict[str, Any], bool]:
    """The report of a file or folder, and whether it holds a usable video."""
    from videogan.commands.progress import reading_bar
    from videogan.data.folder import survey_folder
    from videogan.data.report import file_report, folder_report

    if _looks_like_model(path):
        from videogan.commands.inspect_model import model_report

        return model_report(path), True
    if path.is_dir():
        with reading_bar("reading") as progress:
            folder = survey_folder(path, progress=progress)
        with reading_bar("comparing") as progress:
            report = folder_report(folder, progress=progress)
        report["totals"]["training"] = _training(folder.videos)
        return report, bool(folder.videos)
    from videogan.artifacts.provenance import read_recipe
    from videogan.errors import VideoError
    from videogan.video import probe

    try:
        report = file_report(path, probe(path))
        recipe = read_recipe(path)
        return report | ({} if recipe is None else {"recipe": recipe.model_dump(mode="json")}), True
    except VideoError as error:
        return file_report(path, error.reason), False


def _training(videos: Any) -> dict[str, Any]:
    """For each preset: how many of the videos are long enough for its clips, and as large as its frames."""
    from videogan.data.clips import clip_span
    from videogan.presets import PRESETS, preset

    fits: dict[str, Any] = {}
    for name in PRESETS:
        data = preset(name, []).data
        span = clip_span(data.num_frames, data.frame_stride)
        fits[name] = {
            "num_frames": span,
            "size": data.size,
            "long_enough": sum(video.info.num_frames >= span for video in videos),
            "large_enough": sum(min(video.info.width, video.info.height) >= data.size for video in videos),
        }
    return fits


def _file_line(file: dict[str, Any], root: Path | None) -> str:
    from videogan.data.files import printable

    path = Path(file["path"])
    name = printable(path.relative_to(root) if root is not None and path != root else path)
    if file["status"] == "rejected":
        return f"{name}: rejected: {file['reason']}"
    class_name = f", class {file['class']}" if file["class"] else ""
    salvaged = f", salvaged: {file['reason']}" if file["status"] == "salvaged" else ""
    return (
        f"{name}: {file['frames']} frames of {file['width']}x{file['height']} at {file['frame_rate']:.6g} fps, "
        f"{file['duration_seconds']:.2f} s, {file['codec']}{class_name}{salvaged}"
    )


def _folder_lines(report: dict[str, Any], root: Path) -> list[str]:
    from videogan.data.files import printable

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
    if totals["classes"] and totals["unlabelled"]:
        lines.append(f"{totals['unlabelled']} videos lie outside the class folders: train needs data.labels=none")
    groups = [[printable(Path(path).relative_to(root)) for path in group] for group in totals["near_duplicates"]]
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
