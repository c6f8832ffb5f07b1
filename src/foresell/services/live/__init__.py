"""A shop while its customers are in it: events accepted, kept in mind, and moved into the store."""
