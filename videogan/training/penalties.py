"""The discriminators' gradient penalties, by kind."""

from torch import Tensor

from videogan.config import Config, FiniteDifferencePenalty, Penalty, SlopePenalty, WassersteinPenalty
from videogan.losses.gradient_penalty import (
    between,
    exact_penalty,
    finite_difference_penalty,
    perturb,
    relative_scale,
    wasserstein_penalty,
)
from videogan.models.heads import Judgement
from videogan.training.draws import StepDraws
from videogan.training.judging import Evidence, Networks, judge

Losses = dict[str, Tensor]


def perturbed(real: Evidence, fake: Evidence, draws: StepDraws, config: Config) -> list[Evidence]:
    """Return what finite differences need judged beside real and generated clips; nothing for any other penalty."""
    penalty = config.penalty
    if not isinstance(penalty, FiniteDifferencePenalty) or not draws.penalise:
        return []
    few = _few(penalty, real)
    return [
        part.first(few)._replace(clips=perturb(part.clips[:few], penalty.sigma, draws.noise)) for part in (real, fake)
    ]


def penalty_terms(
    networks: Networks,
    real: Evidence,
    fake: Evidence,
    judgements: dict[str, list[Judgement]],
    draws: StepDraws,
    config: Config,
) -> Losses:
    """Return the penalty's terms for every discriminator, weighed.

    ``judgements`` are those of real and generated clips, and of what :func:`perturbed` gave.
    """
    penalty = config.penalty
    if not isinstance(penalty, Penalty) or not draws.penalise:
        return {}
    few = _few(penalty, real)
    if isinstance(penalty, WassersteinPenalty):
        inputs = between(real.clips[:few], fake.clips[:few], draws.noise).detach().requires_grad_()
        judged = judge(networks, _one_frame(real.first(few))._replace(clips=inputs))
        weight = penalty.weight * penalty.interval
        return {
            f"{name}_penalty": weight * wasserstein_penalty(judgement.logits, inputs)
            for name, judgement in judged.items()
        }
    losses: Losses = {}
    for number, kind in enumerate(("r1", "r2")):
        if isinstance(penalty, FiniteDifferencePenalty):
            slopes = {
                name: finite_difference_penalty(
                    parts[number].logits[: len(parts[2].logits)], parts[2 + number].logits, penalty.sigma
                )
                for name, parts in judgements.items()
            }
        else:
            slopes = _exact_slopes(networks, (real, fake)[number].first(few))
        scale = _weight(penalty, kind, real.clips)
        losses |= {f"{name}_{kind}": scale * slope for name, slope in slopes.items()}
    return losses


def _exact_slopes(networks: Networks, evidence: Evidence) -> Losses:
    inputs = evidence.clips.detach().requires_grad_()
    judged = judge(networks, _one_frame(evidence)._replace(clips=inputs))
    return {name: exact_penalty(judgement.logits, inputs) for name, judgement in judged.items()}


def _one_frame(evidence: Evidence) -> Evidence:
    # A slope is that of one logit: several frames of a clip would add up.
    return evidence._replace(frames=evidence.frames[:, :1])


def _weight(penalty: SlopePenalty, kind: str, real: Tensor) -> Tensor | float:
    weight = (penalty.r1_weight if kind == "r1" else penalty.r2_weight) / 2 * penalty.interval
    return relative_scale(real) * weight if penalty.scale == "relative" else weight


def _few(penalty: Penalty, real: Evidence) -> int:
    return max(1, round(len(real.clips) * penalty.share))
