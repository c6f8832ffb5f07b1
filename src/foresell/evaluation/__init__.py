"""How good a model is: splits in time, scores, their uncertainty, and the comparison of models."""
