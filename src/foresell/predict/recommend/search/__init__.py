"""Products by words and by meaning.

`catalog` reads what is said of products; `tokens` cuts texts; `words` (tantivy) and `meaning` (vectors of
texts) rank; `product_search` puts both in one order; `unanswered` tells which searches found nothing.
"""
