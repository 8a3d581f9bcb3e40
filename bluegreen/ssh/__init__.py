"""What it takes to reach one machine over SSH: the way there, whom to trust, how to prove who we are."""

import logging

# Paramiko logs tracebacks ("Exception (client): ...") that Python prints to stderr where nobody set up
# logging. Every failure has an error of its own here; who wants the log adds a handler.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
