"""Settings of how a run is trained, what it starts from, and how it is judged on the way."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from videogan.config.group import Group


class TrainConfig(Group):
    """The training run."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Everything random in a training depends on it."""
    batch_size: Annotated[int, Field(ge=2, le=2**20)] = 8
    """Clips of a step, in each process."""
    steps: Annotated[int, Field(ge=1, lt=2**63)] = 12_000
    """Steps in all."""
    tick_steps: Annotated[int, Field(ge=1)] = 250
    """Steps between two checkpoints, previews and log rows."""
    min_burn_in: Annotated[int, Field(ge=0)] = 4
    """Latent steps of dynamics before a training clip, at least."""
    max_burn_in: Annotated[int, Field(ge=0, le=100_000)] = 32
    """Latent steps of dynamics before a training clip, at most."""
    ema_half_life: Annotated[float, Field(gt=0)] = 5_000
    """Half-life of the moving average of the generator, in clips."""
    ema_ramp: Annotated[float, Field(gt=0)] = 0.1
    """Largest half-life, as a share of the clips seen so far."""
    device: str = "auto"
    """The device: auto, cpu, cuda or cuda:N."""
    threads: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = "auto"
    """Threads on a CPU; auto: as many as are quickest."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of convolutions; auto: bfloat16 where the device multiplies it."""
    compile: Literal["auto", "always", "never"] = "auto"
    """Whether torch.compile is used."""
    exchange_precision: Literal["float32", "bfloat16"] = "float32"
    """Precision in which several processes exchange gradients; bfloat16 halves what goes over the network."""
    timeout_minutes: Annotated[float, Field(gt=0, le=10_000)] = 10.0
    """Minutes that one of several processes may wait for another in one exchange, before all of them end."""
    keep: Annotated[int, Field(ge=1)] = 2
    """Checkpoints that are kept."""
    grow_at: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Steps at which the frames double in size, the last time up to data.size."""
    freeze_layers: Annotated[int, Field(ge=0)] = 0
    """Layers of every discriminator, from the pixels on, that stay as the model has them that the run starts from."""

    @field_validator("grow_at")
    @classmethod
    def _steps_rise(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if list(steps) != sorted(set(steps)):
            raise ValueError("must rise from step to step")
        return steps

    @model_validator(mode="after")
    def _burn_in_is_a_range(self) -> "TrainConfig":
        if self.max_burn_in < self.min_burn_in:
            raise ValueError(f"max_burn_in {self.max_burn_in} is below min_burn_in {self.min_burn_in}")
        return self


class StartConfig(Group):
    """The model that a run starts from; what it is and was is filled in when the run begins."""

    model: Annotated[str, Field(min_length=1)] = "none"
    """A run, a checkpoint, a weights file, starter, starter64, shipped, or none; --from names it."""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """Hash of the model's tensors."""
    sizes: tuple[int, ...] = ()
    """Frame sizes that its networks had before they grew."""


class EvaluateConfig(Group):
    """Evaluation at ticks of training; the checkpoint with the lowest kernel distance is kept."""

    every: Annotated[int, Field(ge=0)] = 0
    """Steps between two evaluations; 0 is never."""
    clips: Annotated[int, Field(ge=2, le=10**6)] = 256
    """Clips of each set that are compared."""
    features: Literal["own", "efficientnet-lite0", "efficientnet-lite2", "pixels-16"] = "own"
    """What clips are described by: own features are learnt on the clips."""
