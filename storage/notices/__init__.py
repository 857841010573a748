"""Notices to people: put in a unit of work, sent afterwards, with all that became of them."""
