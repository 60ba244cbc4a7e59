"""Is a version better for real users? Experiments and guarded rollouts, planned before they start."""
