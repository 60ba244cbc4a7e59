"""How dates and times are written, in every page: as those that are ours do it."""
