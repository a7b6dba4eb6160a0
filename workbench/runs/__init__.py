"""Floor 1: run folder, run id, configuration, status. No torch."""
