"""Faults on purpose: connectors that damage transfers, kill jobs and lose connections, as much as they are told to."""
