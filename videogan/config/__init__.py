"""The configuration: pydantic models that are at once the schema, the defaults and the file format.

Pure data: this package imports nothing of the project, so that every layer may name its types. Values come from three
levels, the later winning: the defaults below, a preset (or a run's ``config.json``), and ``--set group.key=value``;
:mod:`videogan.presets` puts them together.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from videogan.config.group import Group
from videogan.config.networks import (
    FRAMES_PER_STEP,
    ClipDiscriminatorConfig,
    ConvolutionalDiscriminatorConfig,
    DiscriminatorConfig,
    EncoderConfig,
    FrameDiscriminatorConfig,
    GeneratorConfig,
    JointDiscriminatorConfig,
    Normalisation,
    ProjectedDiscriminatorConfig,
)
from videogan.config.objective import (
    LOSSES_WITH_LABELS,
    AdversarialConfig,
    AugmentConfig,
    ExactPenalty,
    FiniteDifferencePenalty,
    NoPenalty,
    OptimizerConfig,
    Penalty,
    PenaltyConfig,
    SlopePenalty,
    WassersteinPenalty,
)
from videogan.config.running import EvaluateConfig, StartConfig, TrainConfig

__all__ = [
    "FRAMES_PER_STEP",
    "LOSSES_WITH_LABELS",
    "AdversarialConfig",
    "AugmentConfig",
    "ClipDiscriminatorConfig",
    "Config",
    "DataConfig",
    "DiscriminatorConfig",
    "EncoderConfig",
    "EvaluateConfig",
    "ExactPenalty",
    "FiniteDifferencePenalty",
    "FrameDiscriminatorConfig",
    "GeneratorConfig",
    "Group",
    "JointDiscriminatorConfig",
    "NoPenalty",
    "Normalisation",
    "OptimizerConfig",
    "Penalty",
    "PenaltyConfig",
    "ProjectedDiscriminatorConfig",
    "SlopePenalty",
    "StartConfig",
    "TrainConfig",
    "WassersteinPenalty",
]


SMALLEST_SIZE = 32


class DataConfig(Group):
    """Which clips are cut from the videos, and how they are stored."""

    size: Annotated[int, Field(ge=SMALLEST_SIZE, le=512)] = 32
    """Height and width of a training frame, in pixels."""
    num_frames: Annotated[int, Field(ge=4, le=4096, multiple_of=FRAMES_PER_STEP)] = 8
    """Frames in a clip."""
    frame_stride: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Step between the frames of a clip."""
    frame_rate: Annotated[float, Field(ge=0.001, le=10_000)] | None = None
    """Frames per second to which videos are brought; null: that of most videos."""
    fit: Literal["crop", "letterbox"] = "crop"
    """A frame of another shape is cut to a square, or shown whole between bars."""
    short: Literal["repeat-last", "bounce", "skip"] = "repeat-last"
    """What becomes of a video shorter than a clip: its last frame repeats, it runs to and fro, or it is left out."""
    labels: Literal["folders", "none"] = "folders"
    """Whether sub-folders are classes."""
    class_balanced: bool = True
    """Every class is drawn equally often, however many videos it has."""
    mirror: bool = False
    """Half of the clips are mirrored left to right."""
    cache_dir: str | None = None
    """Folder for the clip cache; null: the user's cache folder."""
    cache_limit_gb: Annotated[float, Field(gt=0)] | None = None
    """Largest cache of a folder, in gigabytes (null: half of the free disk); what does not fit is decoded each time."""
    max_bad_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the videos that may be unreadable before training is refused."""

    @field_validator("cache_dir")
    @classmethod
    def _cache_dir_is_a_path(cls, path: str | None) -> str | None:
        if path is not None and ("\0" in path or len(path) > 4096):
            raise ValueError("must be the name of a folder")
        return path

    @field_validator("size")
    @classmethod
    def _size_is_a_power_of_two(cls, size: int) -> int:
        if size & (size - 1):
            raise ValueError("must be 32, 64, 128, 256 or 512")
        return size


WITH_CHANNELS = (GeneratorConfig, EncoderConfig, ConvolutionalDiscriminatorConfig)
VERSION_1_GENERATOR = {"content_dim": 16, "class_scale": "none", "content_scale": "none", "motion_inputs": 0}
"""What the generator's settings were, or would have been, before version 2 balanced its inputs."""


class Config(Group):
    """A whole run. ``Config()`` is the ``cpu`` preset."""

    version: Literal[2] = 2
    preset: str = "cpu"
    data: DataConfig = DataConfig()
    generator: GeneratorConfig = GeneratorConfig()
    frame_discriminator: FrameDiscriminatorConfig = FrameDiscriminatorConfig()
    clip_discriminator: ClipDiscriminatorConfig = ClipDiscriminatorConfig()
    joint_discriminator: JointDiscriminatorConfig = JointDiscriminatorConfig()
    projected_discriminator: ProjectedDiscriminatorConfig = ProjectedDiscriminatorConfig()
    encoder: EncoderConfig = EncoderConfig()
    adversarial: AdversarialConfig = AdversarialConfig()
    penalty: PenaltyConfig = FiniteDifferencePenalty()
    augment: AugmentConfig = AugmentConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    train: TrainConfig = TrainConfig()
    start: StartConfig = StartConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    @property
    def double_backward(self) -> bool:
        """Tell whether the penalty differentiates gradients, which cannot be compiled."""
        return isinstance(self.penalty, ExactPenalty | WassersteinPenalty)

    @property
    def smaller_sizes(self) -> tuple[int, ...]:
        """Frame sizes below ``data.size`` that the networks can work at too, since they grow or grew from them."""
        own = {self.data.size >> (number + 1) for number in range(len(self.train.grow_at))}
        return tuple(sorted(own | set(self.start.sizes)))

    def size_at(self, step: int) -> int:
        """Return the size of the frames that a step of training looks at."""
        return self.data.size >> sum(step < growth for growth in self.train.grow_at)

    def discriminators(self) -> dict[str, DiscriminatorConfig]:
        """Return by name the discriminators that there are: groups ``NAME_discriminator`` whose weight is not 0."""
        groups = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name.removesuffix("_discriminator"): group
            for name, group in groups.items()
            if isinstance(group, DiscriminatorConfig) and group.weight
        }

    @model_validator(mode="before")
    @classmethod
    def _version_1_is_read_as_it_was_meant(cls, tree: Any) -> Any:
        if not isinstance(tree, dict) or tree.get("version") != 1:
            return tree
        generator = tree.get("generator", {})
        if isinstance(generator, dict):
            generator = {**VERSION_1_GENERATOR, **generator}
        return {**tree, "version": 2, "generator": generator}

    @model_validator(mode="after")
    def _something_discriminates(self) -> Self:
        if not self.discriminators():
            raise ValueError(
                "every discriminator has the weight 0: nothing is left that the generator could learn from"
            )
        return self

    @model_validator(mode="after")
    def _only_labels_are_smoothed(self) -> Self:
        loss = self.adversarial
        if (loss.real_label, loss.fake_label) != (1.0, 0.0) and loss.kind not in LOSSES_WITH_LABELS:
            raise ValueError(
                f"adversarial.real_label and fake_label smooth labels, and the {loss.kind} loss has none; set "
                f"adversarial.kind to one of {', '.join(LOSSES_WITH_LABELS)}"
            )
        return self

    @model_validator(mode="after")
    def _only_what_came_along_is_frozen(self) -> Self:
        if self.train.freeze_layers and self.start.model == "none":
            raise ValueError("train.freeze_layers keeps layers that a model brings along: name it by --from")
        return self

    @model_validator(mode="after")
    def _networks_grow_from_sizes_that_there_are(self) -> Self:
        for size in self.smaller_sizes:
            if not SMALLEST_SIZE <= size < self.data.size or size & (size - 1):
                raise ValueError(
                    f"networks for data.size={self.data.size} cannot grow from {size} pixels, by train.grow_at or "
                    f"start.sizes: from {SMALLEST_SIZE} on, in doublings"
                )
        return self

    @model_validator(mode="after")
    def _penalised_samples_are_apart(self) -> Self:
        parts = self.discriminators().values()
        batch = any(isinstance(p, ConvolutionalDiscriminatorConfig) and p.normalisation == "batch" for p in parts)
        if batch and not isinstance(self.penalty, NoPenalty):
            raise ValueError(
                "batch normalisation of a discriminator mixes the clips of a batch, so that a clip has no gradient of "
                "its own to penalise; set penalty.kind=none, or another normalisation"
            )
        return self

    @model_validator(mode="after")
    def _networks_fit_the_size(self) -> Self:
        for group in type(self).model_fields:
            part = getattr(self, group)
            if not isinstance(part, WITH_CHANNELS) or part.channels is None:
                continue
            stages = part.stages(self.data.size)
            if len(part.channels) != stages:
                raise ValueError(
                    f"{group}.channels needs {stages} entries for data.size={self.data.size}, not {len(part.channels)}"
                )
        for group in ("frame_discriminator", "projected_discriminator"):
            if getattr(self, group).num_frames > self.data.num_frames:
                raise ValueError(f"{group}.num_frames is more than data.num_frames")
        return self
