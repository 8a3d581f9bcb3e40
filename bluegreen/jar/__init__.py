"""The local jar: find it, and inspect it before it is uploaded."""

from bluegreen.jar.archive import Jar, inspect
from bluegreen.jar.search import find

__all__ = ["Jar", "find", "inspect"]
