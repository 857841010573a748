"""Work that runs aside: put in a unit of work, carried out later, with all that became of it."""
