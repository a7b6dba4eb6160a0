"""Floor 2: what can be computed from a scene's spectra: indices, transforms, targets, separability, noise, profiles."""
