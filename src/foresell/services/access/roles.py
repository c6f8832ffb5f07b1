"""What roles and keys may do, as scopes."""

from collections.abc import Iterable
from dataclasses import dataclass

from foresell.contracts.errors import DeniedError, InputError, did_you_mean

# Scope → what it lets one do.
SCOPES: dict[str, str] = {
    "events:write": "send events",
    "feedback:write": "report what was shown, clicked and bought",
    "recommend:read": "ask for recommendations",
    "insight:read": "read KPIs, forecasts, segments as numbers, models and imports",
    "people:read": "read profiles, predictions and members of segments by customer",
    "rules:write": "change the rules of recommending",
    "models:write": "put models in production, and roll them back",
    "alerts:write": "acknowledge alerts",
    "experiments:write": "declare, start and stop experiments",
    "data:write": "import files, and change what the shop is called",
    "quarantine:write": "correct, discard and replay quarantined rows",
    "access:write": "make accounts and keys, and read the audit log",
}
VIEWER = ("insight:read", "recommend:read")
ANALYST = (
    *VIEWER,
    "people:read",
    "rules:write",
    "alerts:write",
    "experiments:write",
    "data:write",
    "quarantine:write",
    "feedback:write",
)
ROLES: dict[str, tuple[str, ...]] = {"viewer": VIEWER, "analyst": ANALYST, "admin": tuple(SCOPES)}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `name`: as the audit log has it; `is_browser`: by a session, whose changes need its token."""

    name: str
    scopes: frozenset[str]
    is_browser: bool = False

    @property
    def sees_people(self) -> bool:
        """Whether ids of customers are shown as they are."""
        return "people:read" in self.scopes

    def require(self, scope: str) -> None:
        if scope not in self.scopes:
            raise DeniedError(
                f"{self.name} may not {SCOPES[scope]}",
                do=f"Ask an administrator for a role or key with the scope {scope}.",
            )


def check_role(role: str) -> str:
    if role not in ROLES:
        raise InputError(f"There is no role '{role}'", do=did_you_mean(role, ROLES))
    return role


def check_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Distinct, in the order of SCOPES. InputError for one that does not exist, and for none."""
    given = set(scopes)
    for scope in sorted(given):
        if scope not in SCOPES:
            raise InputError(f"There is no scope '{scope}'", do=did_you_mean(scope, SCOPES))
    if not given:
        raise InputError("A key without a scope is of no use", do=f"Choose of: {', '.join(SCOPES)}.")
    return tuple(scope for scope in SCOPES if scope in given)
