"""A small typed client of `foresell serve`, for a shop's own programs: standard library only (docs/serve.md).

from foresell.client.shop import ShopClient
from foresell.client.sender import EventSender
"""
