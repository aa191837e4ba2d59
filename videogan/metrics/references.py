"""Real clips spoilt in known ways: their figures are the marks by which those of generated clips can be placed.

One half of the real set is spoilt and measured against the other, which has no video in common with it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from einops import rearrange
from torch import Tensor

from videogan.files import Progress
from videogan.metrics.measure import measure_cached
from videogan.metrics.report import Figures, Setting
from videogan.metrics.sources import FolderSource
from videogan.metrics.suite import Sets, run_metrics

METRICS = ("kernel", "precision", "classes", "novelty", "variety")
FIGURES = (
    "kernel_distance",
    "precision",
    "recall",
    "coverage",
    "class_accuracy_mean",
    "novelty_content",
    "novelty_motion",
    "copied_share",
    "sharpness_ratio",
)
"""What is told of spoilt clips, where the metrics that give it are asked for."""


def blur(clips: Tensor, sigma: float) -> Tensor:
    """Blur the frames of clips (b t c h w) by a Gaussian of a standard deviation in pixels."""
    from torchvision.transforms.functional import gaussian_blur  # here: it takes a second to load, and few need it

    size = 2 * round(3 * sigma) + 1
    frames = gaussian_blur(rearrange(clips, "b t c h w -> (b t) c h w"), [size, size], [sigma, sigma])
    return rearrange(frames, "(b t) c h w -> b t c h w", b=len(clips))


def halve_frame_rate(clips: Tensor) -> Tensor:
    """Show every second frame of clips (b t c h w) twice."""
    return clips[:, ::2].repeat_interleave(2, dim=1)[:, : clips.shape[1]]


SPOILT: Mapping[str, Callable[[Tensor], Tensor]] = {
    **{f"blurred by {sigma:g} pixels": partial(blur, sigma=sigma) for sigma in (0.5, 1.0, 2.0)},
    "half the frame rate": halve_frame_rate,
}


def reference_figures(
    source: FolderSource,
    sets: Sets,
    metrics: Sequence[str],
    protocol: Mapping[str, Setting],
    progress: Progress | None = None,
) -> dict[str, Figures]:
    """Return the figures of the second half of the real set, as it is and spoilt, and of the first one replayed.

    ``source`` is where the real set comes from, ``protocol`` what its measures depend on. None where no metric that
    looks at two sets alone is asked for.
    """
    asked = [name for name in metrics if name in METRICS]
    if not asked:
        return {}
    first, second = sets.halves
    references = {"as they are": second}
    part = source.part(second.indices)
    for number, (name, change) in enumerate(SPOILT.items()):
        references[name] = measure_cached(part.changed(change), sets.net, {**protocol, "spoilt": name})
        if progress is not None:
            progress(number + 1, len(SPOILT))
    if len(second.labels.unique()) > 1:
        references["one class only"] = second.part((second.labels == second.labels.mode().values).nonzero()[:, 0])
    references["the same clips replayed"] = first
    return {name: _figures(replace(sets, real=first, fake=part), asked) for name, part in references.items()}


def _figures(sets: Sets, metrics: Sequence[str]) -> Figures:
    rows, _ = run_metrics(sets, metrics)
    return {name: rows[name].finite().value for name in FIGURES if name in rows}
