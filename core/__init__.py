"""The language-neutral engine."""
