"""Runs carried out again, from a crate or from the store, and compared with what they were."""

from __future__ import annotations

from .again import Rerun, prepare_again, rerun

__all__ = ["Rerun", "prepare_again", "rerun"]
