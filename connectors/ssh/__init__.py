"""Machines behind SSH as places."""
