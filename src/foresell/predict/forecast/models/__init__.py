"""One forecaster a file: its config, its `fit`; all of them give `paths.FittedPaths`."""
