"""The generator: latents in, any number of frames out, in constant memory.

Axes: ``b`` batch, ``s`` latent steps, ``c`` channels, ``t`` frames, ``h w`` pixels. Clips leave as ``b t c h w``
for the range [-1, 1], not clamped: a saturating output would starve the generator of gradient.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from videogan.config import FRAMES_PER_STEP, GeneratorConfig
from videogan.models.decoder import BASE_SIZE, Stage, ToRGB
from videogan.models.dynamics import DynamicsState, LatentDynamics
from videogan.models.encoder import Codes
from videogan.models.growth import begin_at_zero, doublings
from videogan.models.latents import PRIOR_DEVIATION, Latents, content_code
from videogan.models.layers import enlarge, last_frames, linear, mlp, steps_for_frames
from videogan.models.normalisation import normalise_weights


class Generated(NamedTuple):
    """The beginning of some videos.

    ``frames (b t c h w)``; the codes behind them, ``content (b d)`` and ``motion_codes (b s m)``, of which the first
    ``context_steps`` are history; and the states from which dynamics and decoder go on, whose size never grows.
    """

    frames: Tensor
    content: Tensor
    motion_codes: Tensor
    dynamics: DynamicsState
    decoder: tuple[Tensor, ...]

    def visible(self, num_frames: int) -> Codes:
        """Return the codes of the last ``num_frames`` frames, without those of their history and without gradient."""
        steps = num_frames // FRAMES_PER_STEP
        return Codes(self.content.detach(), self.motion_codes[:, -steps:].detach())


class Generator(nn.Module):
    """Endless video from latents.

    Args:
        settings: what it is built of.
        size: height and width of a frame, 4 times a power of two.
        num_classes: number of classes, 0 for none.
        smaller_sizes: sizes of frames that it can make too, since it grows from a network for them.
        burn_in: latent steps that the dynamics run before the first frame of a video: no more than in training.
    """

    def __init__(
        self,
        settings: GeneratorConfig,
        *,
        size: int,
        num_classes: int,
        smaller_sizes: Sequence[int] = (),
        burn_in: int = 24,
    ) -> None:
        super().__init__()
        channels, subpixel, hidden_dim = settings.channels, settings.subpixel, settings.hidden_dim
        pixels = (BASE_SIZE << (len(channels) - 1)) * subpixel
        if pixels != size:
            raise ValueError(f"{len(channels)} stages and subpixel={subpixel} make {pixels} pixels, not {size}")
        self.size, self.num_classes, self.prior = size, num_classes, settings.prior
        self.frames_per_step, self.burn_in = FRAMES_PER_STEP, burn_in
        self.content_dim, self.noise_dim = settings.content_dim, settings.noise_dim
        self.class_dim = settings.class_dim
        self.motion_dim, motion_inputs = settings.motion_dim, settings.motion_inputs
        self.class_scale = settings.class_dim**-0.5 if settings.class_scale == "unit-norm" else 1.0
        unit_variance = settings.content_scale == "unit-variance"
        self.content_scale = 1 / PRIOR_DEVIATION[self.prior] if unit_variance else 1.0
        self.classes = nn.Embedding(num_classes, settings.class_dim) if num_classes else None
        condition_dim = self.content_dim + (settings.class_dim if num_classes else 0)
        self.dynamics = LatentDynamics(
            noise_dim=self.noise_dim,
            motion_dim=self.motion_dim,
            condition_dim=condition_dim,
            max_half_life=settings.max_half_life,
        )
        self.style = mlp(condition_dim, hidden_dim)
        self.motion = linear(self.motion_dim, motion_inputs, gain=1.0) if motion_inputs else nn.Identity()
        self.codes = mlp(condition_dim + (motion_inputs or self.motion_dim), hidden_dim, hidden_dim)
        self.base = linear(hidden_dim, channels[0] * BASE_SIZE**2)
        self.stages = nn.ModuleList(Stage(settings, number) for number in range(len(channels)))
        self.to_rgb = ToRGB(channels[-1], subpixel)
        self.skips = nn.ModuleDict(
            {str(smaller): ToRGB(channels[-1 - doublings(smaller, size)], subpixel) for smaller in smaller_sizes}
        )
        for added in [*self.skips.values(), self.to_rgb][1:]:
            begin_at_zero(added.conv)
        normalise_weights(self, settings.normalisation)

    @property
    def context_steps(self) -> int:
        """Latent steps that the decoder must have seen before the step whose frames it gives."""
        return self._steps_for_frames(FRAMES_PER_STEP)[0] - 1

    @property
    def numbers_per_step(self) -> int:
        """Numbers of the decoder's largest feature map for one latent step of one video."""
        frames, largest = 1, 0
        for number, stage in enumerate(self._stages()):
            frames *= 1 if stage.upsample_time is None else 2
            largest = max(largest, stage.change.out_channels * frames * (BASE_SIZE << number) ** 2)
        return largest

    def condition(self, content: Tensor, classes: Tensor | None) -> Tensor:
        """Join content code and class embedding to the condition ``(b k)``, or ``(b s k)`` where one of them moves.

        Args:
            content: ``(b d)``, or ``(b s d)`` where it changes along the video.
            classes: labels ``(b)``, integers; or the share of every class in ``(b n)`` or ``(b s n)``, floats. A batch
                of one counts for every video. None without classes.
        """
        content = content * self.content_scale
        if self.classes is None:
            return content
        if classes is None:
            raise ValueError("this generator has classes: the latents need labels")
        embedding = classes @ self.classes.weight if classes.is_floating_point() else self.classes(classes)
        embedding = embedding * self.class_scale
        if content.ndim < embedding.ndim:
            content = content[:, None]
        elif embedding.ndim < content.ndim:
            embedding = embedding[:, None]
        shape = torch.broadcast_shapes(content.shape[:-1], embedding.shape[:-1])
        return torch.cat([content.expand(*shape, -1), embedding.expand(*shape, -1)], dim=-1)

    def forward(self, latents: Latents, *, burn_in: int, truncation: float = 1.0) -> Generated:
        """Begin videos.

        The first latent step of ``latents.motion_noise`` is the integrators' initial value, the next ``burn_in`` only
        run the dynamics, without gradient, the next ``context_steps`` are the decoder's history; each further one
        gives four frames.
        """
        content = content_code(latents.content_noise, self.prior, truncation)
        state = self.run_in(content, latents.labels, latents.motion_noise[:, : 1 + burn_in])
        return self.generate(content, latents.labels, latents.motion_noise[:, 1 + burn_in :], state)

    @torch.no_grad()
    def run_in(self, content: Tensor, labels: Tensor | None, noise: Tensor) -> DynamicsState:
        """Return the dynamics' state after the integrators' initial value and a burn-in, ``noise (b 1+burn_in n)``."""
        state = self.dynamics.initial_state(noise[:, 0])
        if noise.shape[1] > 1:
            condition = self.condition(content, labels)[:, None].expand(-1, noise.shape[1] - 1, -1)
            _, state = self.dynamics(noise[:, 1:], condition, state)
        return state

    def generate(
        self, content: Tensor, labels: Tensor | None, noise: Tensor, state: DynamicsState, size: int | None = None
    ) -> Generated:
        """Begin videos from a state of the dynamics; ``noise (b s n)`` drives the decoder's history and the frames."""
        condition = self.condition(content, labels)[:, None].expand(-1, noise.shape[1], -1)
        motion_codes, dynamics = self.dynamics(noise, condition, state)
        frames, decoder = self.decode(motion_codes, condition, size=size)
        return Generated(frames, content, motion_codes, dynamics, decoder)

    def decode(
        self,
        motion_codes: Tensor,
        condition: Tensor,
        state: Sequence[Tensor] | None = None,
        *,
        size: int | None = None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Decode motion codes ``(b s m)`` under ``condition (b s k)`` to frames ``(b t c h w)``.

        With a decoder state, ``t = 4 s``. Without, the first ``context_steps`` codes are history only:
        ``t = 4 (s - context_steps)``. ``size`` is that of the frames, one of ``smaller_sizes``; None is its own.
        """
        motion = self.motion(motion_codes)
        condition = condition.to(motion)  # once for both of what reads it, where autocast is on
        codes = self.codes(torch.cat([condition, motion], dim=2))
        x = rearrange(self.base(codes), "b s (c h w) -> b c s h w", h=BASE_SIZE, w=BASE_SIZE)
        style = rearrange(self.style(condition), "b s k -> b k s 1 1")
        size = size or self.size
        num_frames = FRAMES_PER_STEP * (motion_codes.shape[1] - (self.context_steps if state is None else 0))
        # Latent steps come whole, so that without a state a doubled frame rate has up to a frame more than is needed.
        needed = self._steps_for_frames(num_frames)[1] if state is None else [None] * len(self.stages)
        new_state: list[Tensor] = []
        frames: Tensor | None = None
        for number, stage in enumerate(self._stages(), 1 - len(self.stages)):
            if self.size >> -number > size:
                break
            end = len(new_state) + len(stage.histories)
            x, style, last = stage(x, style, None if state is None else state[len(new_state) : end], needed[number - 1])
            new_state.extend(last)
            frames = self._added(frames, x, self.size >> -number, num_frames)
        assert frames is not None
        return frames, tuple(new_state)

    def _added(self, frames: Tensor | None, x: Tensor, size: int, num_frames: int) -> Tensor | None:
        """Return the frames so far at ``size`` pixels, twice as large as before, and what features of that size add."""
        if frames is not None:
            frames = enlarge(frames)
        if size != self.size and str(size) not in self.skips:
            return frames
        added: Tensor = (self.to_rgb if size == self.size else self.skips[str(size)])(last_frames(x, num_frames))
        return added if frames is None else frames + added

    def _steps_for_frames(self, num_frames: int) -> tuple[int, list[int]]:
        """Return how many latent steps are decoded to so many frames, and how many frames each stage's block needs."""
        return steps_for_frames([stage.histories for stage in self._stages()], num_frames)

    def _stages(self) -> Iterator[Stage]:
        for stage in self.stages:
            assert isinstance(stage, Stage)
            yield stage

    def foretell(self, content: Tensor, motion_codes: Tensor, labels: Tensor | None) -> Tensor:
        """Return motion codes ``(b s m)``, each but the first as the dynamics foretell it from the one before."""
        noise = motion_codes.new_zeros(*motion_codes.shape[:2], self.noise_dim)
        after, _ = self.dynamics.step_from(motion_codes[:, :-1], noise, self.condition(content, labels))
        return torch.cat([motion_codes[:, :1], after], dim=1)

    def reconstruct(
        self, content: Tensor, motion_codes: Tensor, labels: Tensor | None, size: int | None = None
    ) -> Tensor:
        """Decode an encoded clip, ``content (b d)`` and ``motion_codes (b s m)``, to its ``4 s`` frames.

        The scene stands still before the clip: its first motion code is repeated as history.
        """
        history = motion_codes[:, :1].expand(-1, self.context_steps, -1)
        motion_codes = torch.cat([history, motion_codes], dim=1)
        condition = self.condition(content, labels)[:, None].expand(-1, motion_codes.shape[1], -1)
        return self.decode(motion_codes, condition, size=size)[0]
