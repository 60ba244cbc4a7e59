"""Real processes, real faults: `make torture` breaks a whole system row by row, and looks at what holds."""
