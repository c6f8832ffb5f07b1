"""A task's features of one customer or a few as of now, without a look at anybody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import polars as pl

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.live import LiveCustomers
from foresell.features.spec import CustomerSpec
from foresell.predict.customers.task import Task
from foresell.predict.customers.training import features_of


@dataclass(frozen=True)
class LiveFeatures:
    """What a task's model reads of customers, in memory. Loading takes as long as a batch; asking takes
    milliseconds. What happens after `until` is known once those whom it concerns are renewed."""

    task: Task
    known: LiveCustomers

    @classmethod
    def load(
        cls, tables: Tables, settings: Settings, task: Task, spec: CustomerSpec, until: datetime
    ) -> "LiveFeatures":
        """Raises InputError for a task about sessions."""
        if task.about == "session":
            raise InputError(f"'{task.name}' is about visits: its features are those of the visit so far")
        moment = until + timedelta(days=task.features.ends_days)
        return cls(task, LiveCustomers.load(tables, settings, spec, moment))

    def renewed(self, tables: Tables, customers: Sequence[str], until: datetime) -> "LiveFeatures":
        """As `LiveCustomers.renewed`."""
        moment = until + timedelta(days=self.task.features.ends_days)
        return LiveFeatures(self.task, self.known.renewed(tables, customers, moment))

    def of(self, customers: Sequence[str], cutoff: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
        """keys and features of these customers, in their order, as `training.scoring_features` gives them.

        Of a customer of whom nothing is known counts and sums are 0, and everything else is null.
        Raises InputError for a cutoff before `until`.
        """
        moment = cutoff + timedelta(days=self.task.features.ends_days)
        rows = self.known.features(customers, moment)
        at = pl.lit(cutoff.astimezone(UTC), pl.Datetime("us", "UTC"))
        return rows.select(entity_id="customer_id", cutoff_at=at), rows.select(self._wanted)

    @cached_property
    def _wanted(self) -> list[str]:
        return [feature.name for feature in features_of(self.task, self.known.spec)]
