"""Tests in large stores, which the benchmarks know how to make up."""

from __future__ import annotations

from storebed.benchmark_package import load_benchmarks

load_benchmarks()
