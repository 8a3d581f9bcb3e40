"""Benchmarks: the figures in README.md. Each module measures one table and names its command."""
