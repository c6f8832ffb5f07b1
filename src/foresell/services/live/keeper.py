"""What goes on behind a shop that is being served: events are moved on, newer models and rules let in."""

import threading
import time
from datetime import UTC, datetime

from foresell.contracts.errors import BusyError, ForesellError, plain_reason
from foresell.services.live.live_shop import LiveShop
from foresell.services.production import PRODUCTION
from foresell.store.experiments import ExperimentTable
from foresell.store.model_versions import pointers

LOOK_SECONDS = 1.0
# After somebody else kept the store's lock, or something failed.
PAUSE_SECONDS = 10.0
# More than this is moved at once, however lately something was.
MUCH_BYTES = 48 * 2**20


class Keeper:
    """One thread; `stop` ends it after what it is doing."""

    def __init__(self, live: LiveShop) -> None:
        self._live = live
        self._folder = live.shop.folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._next_move = time.monotonic() + live.limits.move_seconds
        self._next_refresh = time.monotonic() + live.limits.refresh_seconds
        self._seen = self._signs()
        # What went wrong last, and when; None: nothing since it last went well.
        self.problem: str | None = None
        self.moved_at: datetime | None = None
        self.num_moved = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(timeout=60)

    def _keep(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Do what is due. A failure is noted, and tried again later."""
        now = time.monotonic()
        try:
            if now >= self._next_move or self._live.pressure.backlog() > MUCH_BYTES:
                self._move(now)
            self._refresh(now)
        except BusyError:
            self._next_move = now + PAUSE_SECONDS
        except ForesellError as error:
            self._note(error.what, now)
        except Exception as error:  # noqa: BLE001  # the thread must live on, and what failed be seen
            self._note(f"{type(error).__name__}: {plain_reason(error)}", now)

    def _note(self, problem: str, now: float) -> None:
        self.problem = problem
        self._next_move = max(self._next_move, now + PAUSE_SECONDS)

    def _move(self, now: float) -> None:
        if not self._live.log.leads():
            self._next_move = now + LOOK_SECONDS
            self._live.note_moved()
            return
        moved = self._live.move()
        self._next_move = now + self._live.limits.move_seconds
        self.moved_at, self.problem = datetime.now(UTC), None
        self.num_moved += moved.num_rows

    def _refresh(self, now: float) -> None:
        signs = self._signs()
        if signs == self._seen and now < self._next_refresh and not self._live.mind.is_full:
            return
        if signs[2] != self._seen[2]:
            self._live.forget()
        is_done = signs[2:] == self._seen[2:] and self._live.mind.answers_by(*signs[:2])
        self._seen = signs
        if is_done and now < self._next_refresh and not self._live.mind.is_full:
            return
        self._next_refresh = now + self._live.limits.refresh_seconds
        self._live.refresh()

    def _signs(self) -> tuple[object, ...]:
        """What answers depend on and somebody may change: the model in production, the rules, the erased,
        what experiments run."""
        sets = self._folder.state.rule_sets()
        return (
            pointers(self._folder.models, "recommend").get(PRODUCTION),
            sets[-1].version if sets else 0,
            len(self._folder.state.tombstones()),
            tuple((one.experiment_id, one.state) for one in ExperimentTable(self._folder.state).all()),
        )
