"""SSH connections to a machine: the route there, host keys, our own keys, and scripts that run over it."""

import logging

# Paramiko logs tracebacks ("Exception (client): ..."), which Python prints to stderr unless logging is set
# up. Every failure is raised as an error of its own here, so the log is off by default.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
