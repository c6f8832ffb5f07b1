"""Will a customer leave, or buy from a category, or order again: each model, on rolling cutoffs."""
