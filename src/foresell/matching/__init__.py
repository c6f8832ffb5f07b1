"""What is the same: persons behind several ids, orders that several sources bring, events of orders."""
