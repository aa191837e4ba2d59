"""The terms of the objective: plain functions of logits or tensors."""
