"""The `recrate` command."""
