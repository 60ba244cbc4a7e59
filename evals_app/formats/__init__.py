"""A run's report as text, for people and for build servers."""
