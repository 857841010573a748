"""Engine, unit of work and migrations: how anything is kept."""
