"""Crates checked: by the official validator without network, and by rules of our own for what it does not know."""
