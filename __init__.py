"""Recrate runs CWL workflows so that someone else gets the same result elsewhere."""

from __future__ import annotations

__version__ = "0.1.0"
