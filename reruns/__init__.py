"""Runs carried out again, from a crate or from the store, and compared with what they were."""

from __future__ import annotations

from .again import Changes, Rerun, Talk, prepare_again, rerun

__all__ = ["Changes", "Rerun", "Talk", "prepare_again", "rerun"]
