"""Knowing the customer: what they will do, what they are worth, who they are, and who is alike."""
