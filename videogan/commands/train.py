"""``videogan train``: a folder of clips in, a run folder out."""

import logging
import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from videogan.errors import MissingPathError

_log = logging.getLogger(__name__)

if TYPE_CHECKING:
    import torch

    from videogan.config import Config
    from videogan.data.cache import ClipCache
    from videogan.data.folder import VideoFolder
    from videogan.data.loader import ClipLoader
    from videogan.runs import RunFolder
    from videogan.training.distributed import Place
    from videogan.training.loop import Trainer

PresetOption = Annotated[
    str | None, typer.Option(help="cpu, gpu64, gpu128, gpu256, classic or wgan-gp; by default what fits here.")
]


def train(
    clips: Annotated[Path, typer.Argument(help="Folder of videos; its sub-folders, if any, are the classes.")],
    run: Annotated[Path | None, typer.Option(help="Run folder; by default a new numbered one under runs/.")] = None,
    preset: PresetOption = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="GROUP.KEY=VALUE", help="Change one setting; repeatable.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Train for so many steps in all.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Train for so many minutes in all.")] = None,
    resume: Annotated[
        Literal["auto", "never"],
        typer.Option(help="auto: go on with an unfinished run of the same clips and settings."),
    ] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")] = False,
) -> None:
    """Learn a folder of video clips.

    Ctrl-C saves; the same command again goes on where it stopped.
    """
    if not os.path.lexists(clips):  # told before torch is loaded
        raise MissingPathError(f"{clips}: no such file or folder")
    config, reasons = _configure(preset, settings or [], steps)
    import torch

    from videogan.commands.console import log_file, reading_bar
    from videogan.data.cache import open_cache
    from videogan.training.distributed import first_goes_ahead, from_first, joined, place_from_environment

    place = place_from_environment()
    if place.world_size > 1:
        reasons.append(f"processes: {place.world_size}, each with batches of {config.train.batch_size} clips")
    if not place.first:
        logging.getLogger("videogan").setLevel(logging.ERROR)  # the first process speaks for all
    for reason in reasons:
        _log.info(reason)
    with joined(place, torch.device(config.train.device)):
        # What each machine would decide for itself, the first process decides for all.
        config = type(config).model_validate_json(from_first(config.model_dump_json()))
        chosen, goes_on = from_first(_choose_run(run, clips, config, resume) if place.first else None)
        with first_goes_ahead(place):
            folder = _look(clips, config)
            chosen.check_writable()
            _log.info("run: %s", chosen.path)
            if dry_run:
                if place.first:
                    typer.echo(config.model_dump_json(indent=2))
                return
            with reading_bar("reading clips") as progress:
                loader = _loader(config, open_cache(folder, config.data, progress=progress), place)
            chosen.make()
        with chosen.locked() if place.first else nullcontext(), log_file(chosen.log):
            trainer = _trainer(config, loader, chosen, minutes, clips, goes_on=goes_on, place=place)
            trainer.train()
            steps = trainer.state.step
            _log.info("trained %d steps; `videogan sample --run %s out.mp4` makes videos", steps, chosen.path)
    if place.first:
        typer.echo(chosen.path)


def _look(clips: Path, config: "Config") -> "VideoFolder":
    """Return the videos of a folder, and say what they are."""
    from videogan.commands.console import reading_bar
    from videogan.data.folder import scan_folder

    with reading_bar("looking at videos") as progress:
        folder = scan_folder(
            clips,
            labels=config.data.labels,
            cache_dir=config.data.cache_dir,
            max_bad_share=config.data.max_bad_share,
            progress=progress,
        )
    classes = (
        f"{len(folder.class_names)} classes ({', '.join(folder.class_names)})" if folder.class_names else "no classes"
    )
    _log.info("clips: %d videos in %s, %s", len(folder.videos), clips, classes)
    for path, reason in folder.rejected:
        _log.warning("%s is left out: %s", path, reason)
    return folder


def _configure(preset: str | None, settings: list[str], steps: int | None) -> tuple["Config", list[str]]:
    """Return the whole config, every ``auto`` decided, and what was decided why."""
    from videogan import presets

    extra = [] if steps is None else [f"train.steps={steps}"]
    if preset is not None:
        presets.preset(preset, settings)  # a wrong name or key is told before torch is loaded
    from videogan.device import describe, pick_device, pick_precision, pick_threads

    device = pick_device(str(dict(map(presets.parse_setting, settings)).get("train.device", "auto")))
    name = preset or ("gpu64" if device.type == "cuda" else "cpu")
    config = presets.preset(name, [*settings, *extra])
    reasons = [f"device: {describe(device)}"]
    fixed: dict[str, object] = {"train.device": device.type}
    if config.train.threads == "auto" and device.type == "cpu":
        fixed["train.threads"], because = pick_threads()
        reasons.append(f"threads: {fixed['train.threads']}, because {because}")
    if config.train.precision == "auto":
        fixed["train.precision"], because = pick_precision(device)
        reasons.append(f"precision: {fixed['train.precision']}, because {because}")
    if config.train.compile == "auto":
        compiles = device.type == "cuda" and not config.double_backward
        fixed["train.compile"] = "always" if compiles else "never"
    config = presets.change(config, fixed)
    why = "as asked" if preset else f"because this machine has {'a' if device.type == 'cuda' else 'no'} CUDA GPU"
    size, num_frames = config.data.size, config.data.num_frames
    reasons.insert(1, f"preset: {name}, {why}: clips of {num_frames} frames, {size} x {size} pixels")
    return config, reasons


def _choose_run(given: Path | None, clips: Path, config: "Config", resume: str) -> tuple["RunFolder", bool]:
    """Return the run folder and whether there is training to go on with."""
    import json

    from videogan.checkpoint import newest_checkpoint
    from videogan.errors import UsageError
    from videogan.presets import difference, load_config
    from videogan.runs import RunFolder, list_runs, next_run

    def is_this(run: RunFolder) -> bool:
        try:
            same_clips = json.loads(run.environment.read_text())["clips"] == str(clips.resolve())
            return same_clips and not difference(load_config(run.config), config)
        except (OSError, ValueError, KeyError, UsageError):  # an older or damaged run is none to go on with
            return False

    if given is not None:
        chosen = RunFolder(given)
        if newest_checkpoint(chosen.checkpoints) is None:
            return chosen, False
        if resume == "never":
            raise UsageError(f"{given}: holds a trained model already; name another folder or leave out --resume never")
        changed = difference(load_config(chosen.config), config)
        if changed:
            raise UsageError(f"{given}: was trained with {changed}; give the same settings, or another --run")
        return chosen, True
    if resume == "auto":
        for run in reversed(list_runs()):
            if is_this(run):
                return run, newest_checkpoint(run.checkpoints) is not None
    size, num_frames = config.data.size, config.data.num_frames
    return next_run(f"{clips.resolve().name}-{size}x{size}x{num_frames}"), False


def _loader(config: "Config", cache: "ClipCache", place: "Place") -> "ClipLoader":
    from videogan.data.loader import ClipLoader

    return ClipLoader(
        cache,
        num_frames=config.data.num_frames,
        frame_stride=config.data.frame_stride,
        batch_size=config.train.batch_size,
        seed=config.train.seed,
        short=config.data.short,
        class_balanced=config.data.class_balanced,
        max_bad_share=config.data.max_bad_share,
        world_size=place.world_size,
        rank=place.rank,
    )


def _trainer(
    config: "Config",
    loader: "ClipLoader",
    run: "RunFolder",
    minutes: float | None,
    clips: Path,
    *,
    goes_on: bool,
    place: "Place",
) -> "Trainer":
    import torch

    from videogan.checkpoint import load_state, newest_checkpoint
    from videogan.device import environment
    from videogan.presets import save_config
    from videogan.runs import write_json
    from videogan.training.compile import compile_networks
    from videogan.training.loop import Trainer
    from videogan.training.state import new_state

    device = torch.device(config.train.device)
    _use(device, config)
    state = new_state(config, len(loader.cache.class_names), device)
    checkpoint = newest_checkpoint(run.checkpoints) if goes_on else None
    if checkpoint is not None:
        state.load_state_dict(load_state(checkpoint, device))
        _log.info("going on from step %d", state.step)
    if config.train.compile == "always":
        compile_networks(state.networks)
    if place.first:
        save_config(config, run.config)
        about = {"clips": str(clips.resolve()), "processes": str(place.world_size), **environment(device)}
        write_json(run.environment, about)
    return Trainer(config, state, loader, run, device, minutes, place)


def _use(device: "torch.device", config: "Config") -> None:
    """Set what torch keeps for the whole process."""
    import torch

    if isinstance(config.train.threads, int):
        torch.set_num_threads(config.train.threads)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
