"""Runs written as crates: rows of the store become entities, and these a folder or an archive."""

from __future__ import annotations

from .crate import Exported, describe_run, export_run
from .options import ExportOptions

__all__ = ["ExportOptions", "Exported", "describe_run", "export_run"]
