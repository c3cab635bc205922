"""Runs written as crates: rows of the store become entities, and these a folder or an archive."""

from __future__ import annotations

from .crate import Exported, export_run
from .options import ExportOptions

__all__ = ["ExportOptions", "Exported", "export_run"]
