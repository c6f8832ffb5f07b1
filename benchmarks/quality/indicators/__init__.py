"""Do views, carts, searches and discounts of the past help to forecast sales?"""
