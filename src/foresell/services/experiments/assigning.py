"""Which variant a customer sees: by a keyed hash, so that it stays, is even, and tells nothing of others.

The hash is of the experiment and the customer under the store's key: nobody outside can choose their variant,
and two experiments divide customers independently of each other (Kohavi, Tang and Xu, Trustworthy Online
Controlled Experiments, 2020, chapter 14).
"""

from hashlib import blake2b

from foresell.services.experiments.declaration import Declaration, Variant

WHOLE = 2**64


def assigned(key: bytes, declaration: Declaration, customer_id: str) -> Variant | None:
    """The customer's variant; None: they do not take part."""
    if place_of(key, declaration.name, customer_id, "takes part") >= declaration.traffic:
        return None
    place, reached = place_of(key, declaration.name, customer_id), 0.0
    for variant in declaration.variants:
        reached += variant.share
        if place < reached:
            return variant
    return declaration.variants[-1]


def place_of(key: bytes, experiment: str, customer_id: str, question: str = "variant") -> float:
    """A number in [0, 1) that stays the same, evenly spread over customers; of each question another."""
    said = f"experiment\0{question}\0{experiment}\0{customer_id}".encode()
    return int.from_bytes(blake2b(said, key=key[:64], digest_size=8).digest(), "big") / WHOLE
