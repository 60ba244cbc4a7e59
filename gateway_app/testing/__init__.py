"""Vendors to talk to without a vendor: a Gemini simulator and a replayer of recorded exchanges."""
