"""Slurm: its options, its words for states and reasons, and the ways to talk to it."""
