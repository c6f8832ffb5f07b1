"""What all visits share: the shop, the answers kept, the threads that work, the jobs that run."""

import asyncio
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from foresell.contracts.errors import NotFoundError, UnauthenticatedError
from foresell.services.access.attempts import Attempts
from foresell.services.access.audit import audit_log, subject_of
from foresell.services.access.roles import Principal
from foresell.services.access.signing_in import Gate, SignedIn
from foresell.services.held_recommender import HeldRecommender
from foresell.services.jobs import Jobs
from foresell.services.remembered import MOVING, Remembered
from foresell.services.shop import Shop, open_shop
from foresell.services.uploads import Uploads

T = TypeVar("T")
# Questions wait for each other beyond this many; each opens an engine with memory of its own.
THREADS = 4


class House:
    """One a process. `root`: the folder of the shop, which may not hold one yet."""

    def __init__(self, root: Path, *, is_behind_https: bool = False) -> None:
        self.root, self.is_behind_https = root, is_behind_https
        self.attempts = Attempts()
        self._asked: dict[Hashable, asyncio.Future[Any]] = {}
        # Whether everything that pages ask first has been asked once.
        self.is_warm = False
        self._visited_at = time.monotonic()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="console")

    @cached_property
    def shop(self) -> Shop:
        """NotFoundError where the folder holds no shop yet; asked again, it is looked for again."""
        return open_shop(self.root)

    @property
    def has_shop(self) -> bool:
        try:
            return self.shop is not None
        except NotFoundError:
            return False

    @cached_property
    def answers(self) -> Remembered:
        return Remembered(self.shop, moving=MOVING)

    @cached_property
    def recommender(self) -> HeldRecommender:
        return HeldRecommender(self.shop, MOVING)

    @cached_property
    def uploads(self) -> Uploads:
        return Uploads()

    def visited(self) -> None:
        """Somebody has opened a page: what is done beforehand can wait."""
        self._visited_at = time.monotonic()

    @property
    def quiet_seconds(self) -> float:
        """Since somebody opened a page."""
        return time.monotonic() - self._visited_at

    def reopen(self) -> None:
        """Forget the shop as it was opened: its settings have changed."""
        for name in ("shop", "answers", "recommender", "gate"):
            vars(self).pop(name, None)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.shop)

    @cached_property
    def gate(self) -> Gate:
        return Gate(self.shop)

    def close(self) -> None:
        """Nothing of uploads stays behind; threads end with what they do now, and jobs are told as ended."""
        if "jobs" in vars(self):
            self.jobs.close()
        if "uploads" in vars(self):
            self.uploads.close()
        self.threads.shutdown(wait=False, cancel_futures=True)

    def who(self, token: str | None) -> Principal | None:
        """Whose session a token is; None: nobody's, or no shop is there."""
        if not token or not self.has_shop:
            return None
        try:
            return self.gate.by_session(token, csrf=None, is_change=False)
        except UnauthenticatedError:
            return None

    def sign_in(self, name: str, password: str, address: str) -> SignedIn:
        """UnauthenticatedError for a wrong name or password; BusyError where too many were tried."""
        who = (f"account {name}", f"address {address}")
        self.attempts.check(*who)
        try:
            return self.gate.sign_in(name, password)
        except UnauthenticatedError:
            self.attempts.failed(*who)
            raise

    def note(self, who: Principal, action: str, customer_id: str | None = None, **details: object) -> None:
        """Write down what somebody did; on the disk when it returns."""
        subject = None if customer_id is None else subject_of(self.shop, customer_id)
        audit_log(self.shop).append(who.name, action, subject, **details)

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """What `work` gives, without the page standing still."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, partial(work, *arguments))

    async def ask(
        self, verb: Callable[..., T], *arguments: Any, versions: Mapping[str, int] | None = None
    ) -> T:
        """What a service answers about this shop; an answer is kept until a table changes.

        `arguments` are hashable and all that the answer depends on beside the tables. `versions`: as
        `Remembered.key` takes them.
        """
        question = (f"{verb.__module__}.{verb.__qualname__}", *arguments)
        return await self.ask_once(question, partial(verb, self.shop, *arguments), versions)

    async def ask_once(
        self, question: Hashable, answer: Callable[[], T], versions: Mapping[str, int] | None = None
    ) -> T:
        """The same of any question. However many wait for one answer, one thread works on it, and it works
        on when the one who asked first goes away."""
        of = await self.in_thread(self.answers.versions) if versions is None else versions
        key = self.answers.key(question, of)
        asked = self._asked.get(key)
        if asked is None:
            work = partial(self.answers.ask, question, answer, of)
            asked = asyncio.get_running_loop().run_in_executor(self.threads, work)
            self._asked[key] = asked
            asked.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(asked)

    async def ready_recommender(self) -> None:
        """Wait until recommendations are answered at once; where they cannot be, asking for one says why."""
        with suppress(Exception):
            await self.ask_once("recommender", lambda: bool(self.recommender.get()))

    async def refresh_recommender(self) -> None:
        """As it is now, also by what moves all the time."""
        with suppress(Exception):
            await self.in_thread(self.recommender.refresh)

    def _answered(self, key: Hashable, done: "asyncio.Future[Any]") -> None:
        self._asked.pop(key, None)
        if not done.cancelled():
            # Whoever waits is told of it; that nobody waits any more is no fault.
            done.exception()
