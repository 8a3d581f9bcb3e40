"""The files that `init` writes into a team's repository: detection of its build, and the templates."""
