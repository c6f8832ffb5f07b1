"""What routes are given: the shop that is served, and what stands around it."""

from dataclasses import dataclass
from functools import cached_property

from fastapi import Request

from foresell.api.answering import Answering
from foresell.api.peers import Peers
from foresell.api.settling import Settling
from foresell.contracts.errors import NotFoundError
from foresell.services.access.audit import audit_log, subject_of
from foresell.services.access.roles import Principal
from foresell.services.access.signing_in import Gate
from foresell.services.live.keeper import Keeper
from foresell.services.live.live_shop import LiveShop
from foresell.services.live.reading import ReadingShop
from foresell.services.live.searching import HeldSearcher


@dataclass(frozen=True)
class ServedShop:
    live: LiveShop
    gate: Gate
    keeper: Keeper
    answering: Answering
    settling: Settling
    peers: Peers

    @property
    def shop(self) -> ReadingShop:
        return self.live.shop

    @cached_property
    def searcher(self) -> HeldSearcher:
        return HeldSearcher(self.shop, self.live.mind, self.live.limits.refresh_seconds)

    def report_shown(self, request_id: str) -> str:
        """As `LiveShop.report_shown`, of an answer that whichever process of this server gave."""
        try:
            return self.live.report_shown(request_id)
        except NotFoundError:
            for logged in self.peers.ask("shown", request_id=request_id):
                return str(logged)
            raise

    def note(self, who: Principal, action: str, customer_id: str | None = None, **details: object) -> None:
        """Write down what somebody did; on the disk when it returns."""
        subject = None if customer_id is None else subject_of(self.shop, customer_id)
        audit_log(self.shop).append(who.name, action, subject, **details)

    def shown_id(self, who: Principal, customer_id: str) -> str:
        """A customer's id as this principal may see it: a token for those who may not see people."""
        return customer_id if who.sees_people else f"masked-{subject_of(self.shop, customer_id)[:12]}"


def served_shop(request: Request) -> ServedShop:
    found: ServedShop = request.app.state.served
    return found
