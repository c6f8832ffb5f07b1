"""What watches over a shop: alerts, drift, and what keeps derived tables up to date."""
