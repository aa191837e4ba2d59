"""``videogan sample --latents``: the video of latents that were found in a clip."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from torch import Tensor

from videogan.checkpoint import fingerprint
from videogan.commands import rendering
from videogan.commands.rendering import Model
from videogan.generation.inversion import render
from videogan.generation.prediction import continued_codes
from videogan.generation.sampling import decoded, take
from videogan.models.latents import ClipLatents
from videogan.video import as_frame_rate
from videogan.video.pipe import PipeFormat


def write_latents_video(
    model: Model,
    file: Path,
    out: Path,
    to_stdout: PipeFormat,
    *,
    num_frames: int | None,
    seed: int,
    frame_rate: float | None,
    overwrite: bool,
    metadata: bool,
) -> None:
    """Write the frames of a latents file: 0 as many as its clip had, None without end.

    Raises:
        CheckpointError: the file is damaged, or another model's.
    """
    latents = model.load_latents(file)
    frames = latents.num_frames if num_frames == 0 else num_frames
    chunks = latents_chunks(model, latents, frames, seed)
    rate = model.frame_rate if frame_rate is None else as_frame_rate(frame_rate)
    if out == rendering.STDOUT:
        rendering.write_stdout(chunks, pipe_format=to_stdout, frame_rate=rate)
        return
    # Not as sample's own: --like cannot make it again without the latents.
    comment = rendering.recipe_text(
        model,
        "sample --latents",
        seed=seed,
        frames=frames or "inf",
        options={"latents": file.name, "latents_sha256": fingerprint(file).sha256, "frame_rate": frame_rate},
    )
    rendering.write_videos(
        [out], chunks, frame_rate=rate, overwrite=overwrite, comments=[comment] if metadata else None
    )


def latents_chunks(model: Model, latents: ClipLatents, num_frames: int | None, seed: int) -> Iterator[Tensor]:
    """Yield the clip's frames, then those after it as a seed will have them, in chunks ``(1 t c h w)``."""
    generator = model.generator
    condition = generator.condition(latents.content, latents.labels)[:, None]

    def conditions(positions: Sequence[float]) -> Tensor:
        return condition.expand(-1, len(positions), -1)

    def after() -> Iterator[Tensor]:
        history = latents.path[:, -generator.context_steps :].unbind(1)
        yield from decoded(
            generator, chain(history, continued_codes(generator, latents, [seed], conditions)), conditions
        )

    chunks = chain(render(generator, latents), after())
    return chunks if num_frames is None else take(chunks, num_frames)
