"""Benchmarks: Recrate and its peers asked the same questions in one sitting.

Run from the root of the repository by `python -m benchmarks`; not part of the package that is installed.
"""
