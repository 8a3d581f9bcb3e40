"""What GitHub Actions shows of a command. Nothing of it is said elsewhere."""
