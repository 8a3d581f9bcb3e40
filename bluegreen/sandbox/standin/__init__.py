"""The stand-in: a small application that the sandbox and the tests deploy instead of a Spring Boot one.

Its Java sources are in this folder. A jar is built in a second, needs only a JDK, and fails in a chosen way:
`python -m bluegreen.sandbox.standin app.jar --version 2 --health never-up`.
"""

from bluegreen.sandbox.standin.behaviour import Behaviour, Health
from bluegreen.sandbox.standin.jar import build

__all__ = ["Behaviour", "Health", "build"]
