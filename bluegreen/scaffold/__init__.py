"""The files of a team's own repository: what its build is like, and what `init` writes to fit it."""
