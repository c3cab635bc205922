"""Crates: runs as RO-Crates, written and read."""
