"""What customers will spend: the models of value on the stores of real shops."""
