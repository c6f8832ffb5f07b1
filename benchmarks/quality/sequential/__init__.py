"""Which product comes next: every recommender on any file of sequences, leave-last-out, full ranking."""
