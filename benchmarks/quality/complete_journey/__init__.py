"""The recommenders of a shop on The Complete Journey: paired, and with what the behavior model is made of."""
