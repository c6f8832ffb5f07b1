"""What watches over a shop while it is served: slow answers, work that fails, models and variants refused."""

import logging
import threading
from collections.abc import Callable

from foresell.services.live.keeper import Keeper
from foresell.services.live.live_shop import LiveShop
from foresell.services.monitoring.alerts import raise_alerts
from foresell.services.monitoring.webhook import deliver
from foresell.store.alerts import Condition

LOOK_SECONDS = 60.0
# A share of slow answers worth a word, among as many answers as make it no accident.
SLOW_SHARE, FEWEST_ANSWERS = 0.01, 200
KINDS = ("serve.slow", "serve.failing", "serve.model_refused", "experiment.not_shown")
log = logging.getLogger("foresell.monitoring")

# Route → (answers, slow ones), since the process began.
Counts = dict[str, tuple[int, int]]


class ServerWatch:
    """One thread; of several processes that serve one shop, the one that moves its events. It raises alerts,
    and tells the webhook of all that are due."""

    def __init__(self, live: LiveShop, keeper: Keeper, counts: Callable[[], Counts]) -> None:
        self._live, self._keeper, self._counts = live, keeper, counts
        self._before: Counts = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="server-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(timeout=15)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:  # the thread must live on: what fails now may not the next time
                log.exception("watching over the server")

    def look(self) -> None:
        """Raise what is so now, resolve what is over, tell the webhook."""
        now = self._counts()
        before, self._before = self._before, now
        if not self._live.log.leads():
            return
        found = [*_slow(now, before, self._live.shop.settings.monitoring.latency_ms), *self._failing()]
        raise_alerts(self._live.shop, found, KINDS)
        deliver(self._live.shop)

    def _failing(self) -> list[Condition]:
        found = []
        if self._keeper.problem is not None:
            found.append(
                _condition(
                    "serve.failing",
                    "keeper",
                    ("Events are not moved, or models not let in", "事件未能入库，或模型未能更新"),
                    self._keeper.problem,
                )
            )
        for label, why in self._live.mind.refused.items():
            words = (f"{label} failed its trial and does not answer", f"{label} 未通过试运行，未启用")
            found.append(_condition("serve.model_refused", label, words, why))
        for name, why in self._live.variants.problems.items():
            words = (f"Experiment '{name}' is shown to nobody", f"实验“{name}”未对任何人展示")
            found.append(_condition("experiment.not_shown", name, words, why))
        return found


def _condition(kind: str, subject: str, words: tuple[str, str], why: str) -> Condition:
    advice, advice_zh = "Look at the log of the server.", "请查看服务器日志。"
    message, message_zh = f"{words[0]}: {why}", f"{words[1]}：{why}"
    return Condition(kind, subject, "error", message, advice, message_zh, advice_zh, {"why": why})


def _slow(now: Counts, before: Counts, limit_ms: float) -> list[Condition]:
    """Routes of which more than SLOW_SHARE of the answers since the last look took longer than the limit."""
    found = []
    for route, (answers, slow) in sorted(now.items()):
        answers_then, slow_then = before.get(route, (0, 0))
        num, late = answers - answers_then, slow - slow_then
        if num < FEWEST_ANSWERS or late <= SLOW_SHARE * num:
            continue
        found.append(
            Condition(
                "serve.slow",
                route,
                "warning",
                f"{route}: {late / num:.1%} of {num:,} answers took longer than {limit_ms:g} ms",
                "Look at foresell_request_seconds, at what else the machine does, and at `workers`.",
                f"{route}：{num:,} 次应答中有 {late / num:.1%} 超过 {limit_ms:g} 毫秒",
                "请查看 foresell_request_seconds、机器负载与 `workers` 设置。",
                {"answers": num, "slow": late, "limit_ms": limit_ms},
            )
        )
    return found
