"""Point-in-time tables: what was known at a cutoff, and what came after it.

`asof` is the one place where a cutoff is applied; `leak` proves that nothing slipped past it.
`counted`: the one rule of what counts as behavior; `products`: what is known of products beside their ids.
"""
