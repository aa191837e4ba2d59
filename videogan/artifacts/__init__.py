"""What training leaves on disk and what videos are made from: weights, checkpoints, run folders."""
