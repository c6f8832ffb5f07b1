"""How fast the products for a customer are found, and how surely."""
