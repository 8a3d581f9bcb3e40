"""The tasks that `invoke` finds here: the commands of bluegreen."""

from bluegreen.tasks import namespace

__all__ = ["namespace"]
