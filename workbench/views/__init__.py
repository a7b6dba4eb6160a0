"""Floor 6: pictures of scenes, splits, runs and attention, and the selection that all faces share."""
