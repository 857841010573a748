"""The front door: command line, settings, logging, and the one place where everything is put together."""
