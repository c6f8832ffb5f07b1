"""Is demand found again behind empty shelves, and does ordering by it lose fewer sales?"""
