"""What the gateway's parts cost. Each module is run by hand: `python -m benchmarks.registry`."""
