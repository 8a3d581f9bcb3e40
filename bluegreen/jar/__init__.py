"""The local jar: which one is meant, and what it is."""

from bluegreen.jar.archive import Jar, find, inspect

__all__ = ["Jar", "find", "inspect"]
