import pytest
import torch
from tiny_run import tiny_config

from videogan.config import GeneratorConfig
from videogan.generation.sampling import stream, take
from videogan.models.build import build_generator
from videogan.models.generator import Generator
from videogan.models.latents import Latents, LatentStream, content_code, slerp

BURN_IN = 3


def tiny(size: int = 32, num_classes: int = 2, **changes) -> Generator:
    channels = {16: (8, 8, 6), 32: (8, 8, 6, 6), 64: (8, 8, 6, 6, 4)}[size]
    settings = {
        "channels": channels,
        "content_dim": 6,
        "class_dim": 3,
        "noise_dim": 5,
        "motion_dim": 7,
        "motion_inputs": 4,
        "class_scale": "unit-norm",
        "content_scale": "unit-variance",
        "hidden_dim": 16,
        "max_half_life": 8.0,
        "dense_until": 16,
        "subpixel": 1,
        "prior": "uniform",
    }
    generator = Generator(GeneratorConfig(**settings | changes), size=size, num_classes=num_classes)
    # The last convolution of a block starts at zero; a test of its dependencies must not.
    for parameter in generator.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return generator


def draw(generator: Generator, steps: int, batch: int = 2) -> Latents:
    noise = torch.randn(batch, 1 + BURN_IN + generator.context_steps + steps, generator.noise_dim)
    labels = torch.arange(batch) % generator.num_classes if generator.num_classes else None
    return Latents(torch.randn(batch, generator.content_dim), noise, labels)


def go_on(generator: Generator, noise: torch.Tensor, condition: torch.Tensor, dynamics, decoder):
    """Continue videos by motion noise ``(b s n)``: frames, and the states after them."""
    condition = condition.expand(-1, noise.shape[1], -1)
    codes, dynamics = generator.dynamics(noise, condition, dynamics)
    frames, decoder = generator.decode(codes, condition, decoder)
    return frames, dynamics, decoder


CASES = [
    pytest.param({"size": 16, "num_classes": 0}, id="16px"),
    pytest.param({"size": 32}, id="32px-2classes"),
    pytest.param({"size": 32, "channels": (8, 8, 6), "subpixel": 2}, id="32px-subpixel"),
    pytest.param({"size": 32, "dense_until": 32, "max_half_life": 0.0}, id="32px-dense-white-noise"),
    pytest.param({"size": 64, "dense_until": 8, "prior": "normal", "motion_inputs": 0}, id="64px-normal-prior"),
    pytest.param({"size": 32, "place_until": 16}, id="32px-places"),
]


@pytest.mark.parametrize("settings", CASES)
@pytest.mark.parametrize("chunk_steps", [1, 3])
def test_step_by_step_equals_one_call(settings, chunk_steps):
    generator, steps = tiny(**settings), 7
    latents = draw(generator, steps)
    with torch.no_grad():
        whole = generator(latents, burn_in=BURN_IN)
        first = whole.motion_codes.shape[1] - steps + 1
        begin = Latents(latents.content_noise, latents.motion_noise[:, : 1 + BURN_IN + first], latents.labels)
        frames, content, _, dynamics, decoder = generator(begin, burn_in=BURN_IN)
        chunks = [frames]
        condition = generator.condition(content, latents.labels)[:, None]
        for noise in latents.motion_noise[:, 1 + BURN_IN + first :].split(chunk_steps, dim=1):
            frames, dynamics, decoder = go_on(generator, noise, condition, dynamics, decoder)
            chunks.append(frames)
    streamed = torch.cat(chunks, dim=1)
    assert whole.frames.shape == (2, 4 * steps, 3, settings["size"], settings["size"])
    assert torch.allclose(streamed, whole.frames, atol=1e-5, rtol=0)


@pytest.mark.parametrize("settings", CASES)
def test_no_frame_depends_on_later_noise(settings):
    generator, steps = tiny(**settings), 4
    latents = draw(generator, steps, batch=1)
    noise = latents.motion_noise.requires_grad_()
    frames = generator(Latents(latents.content_noise, noise, latents.labels), burn_in=0).frames[:, -4 * steps :]
    lead = noise.shape[1] - steps
    for step in range(steps):
        block = frames[:, 4 * step : 4 * step + 4]
        (gradient,) = torch.autograd.grad(block.sum(), noise, retain_graph=True)
        assert gradient[:, lead + step].abs().max() > 0
        assert gradient[:, lead + step + 1 :].abs().sum() == 0


def test_the_context_is_all_that_the_decoder_looks_back():
    generator = tiny()
    codes = torch.randn(1, generator.context_steps + 3, generator.motion_dim)
    earlier = torch.cat([torch.randn(1, 4, generator.motion_dim), codes], dim=1)
    condition = torch.randn(1, 1, 9)
    with torch.no_grad():
        short, _ = generator.decode(codes, condition.expand(-1, codes.shape[1], -1))
        long, _ = generator.decode(earlier, condition.expand(-1, earlier.shape[1], -1))
    assert torch.allclose(short, long[:, -short.shape[1] :], atol=1e-5)


@pytest.mark.parametrize("settings", CASES)
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_no_block_is_given_a_frame_that_nothing_needs(settings, steps):
    generator = tiny(**settings)
    given = []
    for stage in generator.stages:
        stage.spread.register_forward_pre_hook(lambda spread, inputs: given.append(inputs[0].shape[2] - spread.history))
    with torch.no_grad():
        generator(draw(generator, steps), burn_in=BURN_IN)
    # From the last to the first: what a stage gives is what the next one is given, or what it doubles.
    after = 4 * steps
    for stage, gives in reversed(list(zip(generator.stages, given, strict=True))):
        assert gives == after
        after += stage.spread.history
        if stage.upsample_time is not None:
            after = -(-after // 2) + 1


def test_the_state_does_not_grow():
    generator = tiny()
    latents = draw(generator, 1)
    with torch.no_grad():
        _, content, _, dynamics, decoder = generator(latents, burn_in=BURN_IN)
        shapes = [tensor.shape for tensor in (*dynamics, *decoder)]
        condition = generator.condition(content, latents.labels)[:, None]
        for _ in range(5):
            noise = torch.randn(2, 1, generator.noise_dim)
            _, dynamics, decoder = go_on(generator, noise, condition, dynamics, decoder)
            assert [tensor.shape for tensor in (*dynamics, *decoder)] == shapes


def test_a_label_is_a_share_of_one_and_either_part_may_move():
    generator = tiny(num_classes=3)
    content, labels = torch.randn(2, 6), torch.tensor([2, 0])
    fixed = generator.condition(content, labels)
    assert fixed.shape == (2, 9)
    assert torch.equal(generator.condition(content, torch.eye(3)[labels]), fixed)
    path = torch.rand(1, 5, 3)
    moving = generator.condition(content, path)
    assert moving.shape == (2, 5, 9)
    assert torch.equal(moving[1], generator.condition(content[1:].expand(5, -1), path[0]))
    walked = generator.condition(content[:, None].expand(-1, 5, -1), labels)
    assert torch.equal(walked, fixed[:, None].expand(-1, 5, -1))
    assert torch.equal(generator.condition(content, labels[:1])[1], generator.condition(content[1:], labels[:1])[0])
    with pytest.raises(ValueError, match="labels"):
        generator.condition(content, None)


def test_visible_codes_make_the_frames_without_gradient():
    generator = tiny()
    latents = draw(generator, 3)
    whole = generator(latents, burn_in=0)
    codes = whole.visible(8)
    assert codes.motion_codes.shape[1] == 2
    assert torch.equal(codes.motion_codes, whole.motion_codes[:, -2:])
    assert not codes.content.requires_grad
    assert not codes.motion_codes.requires_grad


@pytest.mark.parametrize(("low", "high", "expected"), [(4, 32, 24), (4, 48, 24), (1, 8, 8), (30, 40, 30)])
def test_a_video_begins_after_no_more_burn_in_than_training_draws(low, high, expected):
    config = tiny_config(f"train.min_burn_in={low}", f"train.max_burn_in={high}")
    assert build_generator(config, 0).burn_in == expected


def test_burn_in_carries_no_gradient():
    generator = tiny(num_classes=0)
    latents = draw(generator, 2, batch=1)
    noise = latents.motion_noise.requires_grad_()
    frames = generator(Latents(latents.content_noise, noise), burn_in=BURN_IN).frames
    (gradient,) = torch.autograd.grad(frames.sum(), noise)
    assert gradient[:, : 1 + BURN_IN].abs().sum() == 0
    assert gradient[:, 1 + BURN_IN :].abs().sum() > 0


def test_reconstruct_gives_four_frames_a_code():
    generator = tiny()
    clip = generator.reconstruct(torch.randn(2, 6), torch.randn(2, 4, 7), torch.tensor([0, 1]))
    assert clip.shape == (2, 16, 3, 32, 32)


def test_channels_must_reach_the_size():
    with pytest.raises(ValueError, match="make 32 pixels, not 64"):
        Generator(GeneratorConfig(channels=(8, 8, 6, 6), subpixel=1), size=64, num_classes=0)


def test_latents_refuse_shapes_that_do_not_belong_together():
    with pytest.raises(ValueError, match="content_noise"):
        Latents(torch.randn(2, 6), torch.randn(3, 4, 5))
    with pytest.raises(ValueError, match="labels"):
        Latents(torch.randn(2, 6), torch.randn(2, 4, 5), torch.zeros(3, dtype=torch.long))


class TestStream:
    def test_a_seed_gives_the_same_video_in_any_batch_and_chunk(self):
        generator = tiny(num_classes=0).eval()
        alone = torch.cat(list(take(stream(generator, [3], chunk_steps=1), 40)), dim=1)
        among = torch.cat(list(take(stream(generator, [1, 2, 3, 4], chunk_steps=5), 40)), dim=1)
        assert alone.shape[1] == 40
        assert (alone[0] - among[2]).abs().max() <= 1 / 127.5

    def test_latent_stream_does_not_depend_on_how_it_is_asked(self):
        one = LatentStream([5], content_dim=4, noise_dim=3).motion_noise(9)
        other = LatentStream([4, 5], content_dim=4, noise_dim=3)
        assert torch.equal(one[0], torch.cat([other.motion_noise(4), other.motion_noise(5)], dim=1)[1])

    def test_take_cuts_to_any_number_of_frames(self):
        generator = tiny(num_classes=0)
        assert [chunk.shape[1] for chunk in take(stream(generator, [0], chunk_steps=2), 19)] == [8, 8, 3]

    def test_truncation_zero_removes_the_content_of_the_seed(self):
        generator = tiny(num_classes=0)
        codes = [next(stream(generator, [seed], truncation=0.0)) for seed in (1, 2)]
        assert not torch.equal(*codes), "motion still differs"
        latents = draw(generator, 1)
        content = generator(latents, burn_in=0, truncation=0.0).content
        assert content.abs().max() == 0


class TestSlerp:
    def test_ends(self):
        start, end = torch.randn(4, 8), torch.randn(4, 8)
        assert torch.allclose(slerp(start, end, 0.0), start, atol=1e-6)
        assert torch.allclose(slerp(start, end, 1.0), end, atol=1e-6)

    def test_middle_of_a_right_angle(self):
        middle = slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 0.5)
        assert torch.allclose(middle, torch.tensor([0.5**0.5, 0.5**0.5]))

    def test_lengths_are_kept_on_the_way(self):
        start, end = torch.nn.functional.normalize(torch.randn(2, 16, 8), dim=-1) * 3
        assert torch.allclose(slerp(start, end, 0.3).norm(dim=-1), torch.full((16,), 3.0), atol=1e-5)

    def test_parallel_ends(self):
        start = torch.randn(8)
        assert torch.allclose(slerp(start, start * 2, 0.5), start * 1.5, atol=1e-6)


@pytest.mark.parametrize("prior", ["uniform", "normal"])
def test_no_input_drowns_another(prior):
    generator = tiny(num_classes=500, class_dim=64, content_dim=64, prior=prior)
    content = content_code(torch.randn(500, 64), prior)
    with torch.no_grad():
        condition = generator.condition(content, torch.arange(500))
    assert condition[:, :64].var().item() == pytest.approx(1, abs=0.05)
    assert condition[:, 64:].square().sum(1).mean().item() == pytest.approx(1, abs=0.1)
    assert generator.codes[0].in_features == 64 + 64 + 4


def test_unscaled_inputs_enter_as_they_are():
    generator = tiny(class_scale="none", content_scale="none", motion_inputs=0)
    content, labels = torch.randn(2, 6), torch.tensor([1, 0])
    with torch.no_grad():
        assert torch.equal(generator.condition(content, labels), torch.cat([content, generator.classes(labels)], 1))
    assert generator.codes[0].in_features == 6 + 3 + 7


def test_labels_are_shares_of_one_class():
    generator, content, labels = tiny(), torch.randn(2, 6), torch.tensor([1, 0])
    shares = torch.nn.functional.one_hot(labels, 2).float()
    with torch.no_grad():
        condition = generator.condition(content, labels)
        assert torch.allclose(generator.condition(content, shares), condition)
        moving = generator.condition(content, shares[:, None].expand(-1, 5, -1))
    assert torch.allclose(moving, condition[:, None].expand(-1, 5, -1))
