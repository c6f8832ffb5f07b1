"""One recommender a file: its config, its `fit`, its fitted class."""
