"""The figures of README.md, each with the command that makes it; side by side in one run."""
