"""Kinds of places, behind one small interface."""
