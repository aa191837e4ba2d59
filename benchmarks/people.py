"""Who is to be seen in a model's clips: a classifier of people, that never saw them do what they are judged by.

    python benchmarks/people.py ACTIONS --run runs/actions

ACTIONS is a folder of real videos in one folder an action, whose file names begin with the person; the run has learnt
it. For each action in turn, features and a regression learn the people in all other actions; real clips of the action
tell how often they are right, and generated ones whom the model shows. Entropy: of the people found, as a share of the
largest; real clips, where everyone is as frequent, would have 1 if the classifier were always right.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from measuring import heading, table
from running import Clips, clips_of, names_found, own_features, person_of, samples_of

import videogan
from videogan.data.folder import scan_folder
from videogan.device import pick_device
from videogan.errors import VideoganError


def entropy(counts: Counter[str], people: int) -> float:
    """Return the entropy of who is found, as a share of that of ``people`` who are equally frequent."""
    shares = np.array([*counts.values()]) / counts.total()
    return float(-(shares * np.log(shares)).sum() / np.log(people))


def doing(clips: Clips, people: list[str], action: str, *, others: bool = False) -> Clips:
    """Return the clips of an action, or of all others, named by who is in them."""
    rows = [number for number, name in enumerate(clips.names) if (name == action) != others]
    return Clips(clips.clips[rows], [people[row] for row in rows], clips.groups[rows])


def main() -> None:
    """Learn, recognise, and print how often each person is found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("actions", type=Path)
    parser.add_argument("--run", type=Path, required=True, help="run, checkpoint or weights file")
    parser.add_argument("--known", type=int, default=512, help="real clips, of all actions")
    parser.add_argument("--count", type=int, default=256, help="generated clips, of all actions")
    arguments = parser.parse_args()
    model = videogan.load(arguments.run)
    real = clips_of(arguments.actions, model.card.config.data, arguments.known)
    if len(model.class_names) < 2 or set(model.class_names) - set(real.names):
        sys.exit(f"{arguments.run}: has not learnt two or more actions, all of them of {arguments.actions}")
    videos = scan_folder(arguments.actions, labels="folders").videos
    people = [person_of(videos[group].path) for group in real.groups.tolist()]
    made = samples_of(model, arguments.count)
    found: dict[str, Counter[str]] = {"real": Counter(), "generated": Counter()}
    right = 0
    for action in model.class_names:
        known, judged = (doing(real, people, action, others=others) for others in (True, False))
        net = own_features(known)
        told = names_found(net, known, judged.clips)
        right += sum(one == other for one, other in zip(told, judged.names, strict=True))
        found["real"].update(told)
        shown = made.clips[torch.tensor([name == action for name in made.names])]
        found["generated"].update(names_found(net, known, shown))
    everyone = sorted(set(people))
    rows = [
        [who, *(f"{counts[who]}" for who in everyone), f"{entropy(counts, len(everyone)):.2f}"]
        for who, counts in found.items()
    ]
    print(heading(pick_device()))
    print(f"{len(people)} real clips in actions that were held out, recognised: {right / len(people):.2f}\n")
    print(table(("clips", *everyone, "entropy"), rows))


if __name__ == "__main__":
    try:
        main()
    except VideoganError as error:
        sys.exit(f"error: {error}")
