"""The behavior model: one transformer of what customers do, and what it reads.

`actions` (who did what when) → `vocabulary` and `sequences` (numbers); `features.products` → `content` (what
a product is beside its id, with a text vector from `text`). Nothing of that needs torch; what does is loaded
on use.
"""
