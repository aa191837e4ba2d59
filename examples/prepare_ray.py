"""Prepares a folder of videos on a Ray cluster, a shard at a time.

    pip install ray
    python examples/prepare_ray.py recordings/ clips/ --shards 1000

Both folders are on a disk that all machines share. A shard whose machine goes away is made on another, and the same
command again makes only what is missing. RAY_ADDRESS names a cluster; without it this machine is one.
"""

import argparse

import ray

import videogan


def prepare(raw: str, out: str, index: int, count: int) -> int:
    """Make one shard; return how many clips it has."""
    return videogan.prepare("folder", out, raw=raw, shard=(index, count)).clips


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw")
    parser.add_argument("out")
    parser.add_argument("--shards", type=int, default=1000)
    arguments = parser.parse_args()
    ray.init()
    # A shard keeps every core of a machine busy.
    cores = min(node["Resources"]["CPU"] for node in ray.nodes() if node["Alive"] and "CPU" in node["Resources"])
    task = ray.remote(num_cpus=cores, max_retries=3)(prepare)
    waiting = [task.remote(arguments.raw, arguments.out, index, arguments.shards) for index in range(arguments.shards)]
    clips = 0
    while waiting:
        (done,), waiting = ray.wait(waiting)
        clips += ray.get(done)
        print(f"{arguments.shards - len(waiting)} of {arguments.shards} shards, {clips} clips", flush=True)
