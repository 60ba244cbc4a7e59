"""The registry over REST: reads from the snapshot, as calls do; changes through the verbs."""
