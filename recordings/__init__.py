"""What was said: the file that belongs to the leg."""
