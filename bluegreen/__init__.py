"""Zero-downtime blue/green deploys of Spring Boot jars to plain Linux hosts over SSH."""

__version__ = "0.1.0"
