"""Facts in their order: numbered, kept, read with cursors, proved."""
