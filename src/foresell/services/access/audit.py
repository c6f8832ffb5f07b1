"""The audit log of a shop."""

from foresell.privacy.tokens import token
from foresell.services.shop import Shop
from foresell.store.audit_log import AuditLog


def audit_log(shop: Shop) -> AuditLog:
    return AuditLog(shop.folder.root / "logs" / "audit", shop.folder.state)


def subject_of(shop: Shop, customer_id: str) -> str:
    """What the log calls a customer: a token, by which those who have the store's key find them."""
    return token(shop.key, "audit", customer_id)
