"""Adversarial training: the step, the loop around it, and what they keep."""
