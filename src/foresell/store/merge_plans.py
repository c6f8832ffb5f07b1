"""What becomes of rows that share their key with others: the SQL that decides it.

Both plans read the temporary tables `candidates` (n, k, c, valid_from: row number, key, hash of the
content, start; c is null in rows that retire their key) and `believed` (f, r, k, c, valid_from, valid_to:
file, row in it), and make `decided` (n, k, valid_from, valid_to, outcome) and `superseded` (f, r).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from foresell.store.engine import literal

# What a relation of typed rows says:
#   rows           every row is a statement about its key
#   first_per_key  several source rows give one row; the first of each key is it
#   stub           the key exists, nothing more: recorded only where the key is unknown
#   retired        the key ends without a successor, until a row of another kind says otherwise
Kind = Literal["rows", "first_per_key", "stub", "retired"]


def moment_sql(moment: datetime) -> str:
    return f"TIMESTAMPTZ {literal(moment.isoformat())}"


@dataclass(frozen=True)
class FactPlan:
    """Facts: one believed row a key."""

    kind: Kind

    def statements(self) -> list[str]:
        if self.kind == "retired":
            return [self._retired(), self._superseded("retired")]
        unused = "ignored" if self.kind != "rows" else "conflict"
        kept = "ignored" if self.kind == "stub" else "updated"
        chosen = "max" if self.kind == "rows" else "min"
        return [
            f"""CREATE OR REPLACE TEMP TABLE decided AS
            WITH ranked AS (
                SELECT *, {chosen}(n) OVER of_key AS chosen_n, arg_{chosen}(c, n) OVER of_key AS chosen_c
                FROM candidates WINDOW of_key AS (PARTITION BY k)
            )
            SELECT a.n, a.k, NULL::TIMESTAMPTZ AS valid_from, NULL::TIMESTAMPTZ AS valid_to,
                CASE WHEN a.n <> a.chosen_n AND a.c <> a.chosen_c THEN '{unused}'
                     WHEN a.n <> a.chosen_n THEN 'duplicate'
                     WHEN b.k IS NULL THEN 'accepted'
                     WHEN b.c = a.c THEN 'duplicate'
                     ELSE '{kept}' END AS outcome
            FROM ranked a LEFT JOIN believed b ON b.k = a.k""",
            self._superseded("updated"),
        ]

    def _retired(self) -> str:
        return """CREATE OR REPLACE TEMP TABLE decided AS
            SELECT a.n, a.k, NULL::TIMESTAMPTZ AS valid_from, NULL::TIMESTAMPTZ AS valid_to,
                CASE WHEN b.k IS NOT NULL AND a.n = min(a.n) OVER (PARTITION BY a.k) THEN 'retired'
                     ELSE 'duplicate' END AS outcome
            FROM candidates a LEFT JOIN believed b ON b.k = a.k"""

    def _superseded(self, outcome: str) -> str:
        return f"""CREATE OR REPLACE TEMP TABLE superseded AS
            SELECT b.f, b.r FROM believed b
            JOIN decided d ON d.k = b.k AND d.outcome = '{outcome}'"""


@dataclass(frozen=True)
class VersionedPlan:
    """Versioned tables: a timeline of believed versions a key.

    A moment from which nothing is true any more stands in the timeline like a version, with null for its
    content (c): so does a retired key, and the end of a believed version that none follows at once.

    Statements that hold until a moment are followed there by what was believed of it before: a version split
    so is recorded again from there (`ended`, with both ends), and one that then repeats the version before
    is no version of its own.
    """

    kind: Kind
    recorded_at: str
    holds_until: datetime | None = None

    def statements(self) -> list[str]:
        return [self._ranked(), self._timeline(), self._kept(), self._decided(), *self._superseded()]

    def _ranked(self) -> str:
        """One statement a key and start; a change that names no start begins when it is recorded."""
        chosen = "max" if self.kind == "rows" else "min"
        known = "k IN (SELECT k FROM believed)"
        return f"""CREATE OR REPLACE TEMP TABLE ranked AS
            WITH started AS (
                SELECT n, k, c, CASE WHEN valid_from IS NULL AND {known} THEN {self.recorded_at}
                                     ELSE valid_from END AS valid_from
                FROM candidates
            )
            SELECT *, {chosen}(n) OVER of_version AS chosen_n, arg_{chosen}(c, n) OVER of_version AS chosen_c
            FROM started WINDOW of_version AS (PARTITION BY k, valid_from)"""

    def _timeline(self) -> str:
        """Believed and stated versions of each key in order of their start; a correction replaces."""
        only_unknown = "AND k NOT IN (SELECT k FROM believed)" if self.kind == "stub" else ""
        return f"""CREATE OR REPLACE TEMP TABLE timeline AS
            WITH stated AS (SELECT * FROM ranked WHERE n = chosen_n {only_unknown}),
            followed AS (
                SELECT *, lead(valid_from) OVER (PARTITION BY k ORDER BY valid_from NULLS FIRST) AS next_from
                FROM believed
            ),
            known AS (
                SELECT f, r, k, c, valid_from, valid_to FROM followed
                UNION ALL SELECT NULL, NULL, k, NULL, valid_to, NULL FROM followed
                WHERE valid_to IS DISTINCT FROM next_from AND valid_to IS NOT NULL
            ),
            merged AS (
                SELECT coalesce(s.k, b.k) AS k, coalesce(s.valid_from, b.valid_from) AS valid_from,
                    CASE WHEN s.n IS NULL THEN b.c ELSE s.c END AS c, s.n, b.f, b.r, b.valid_to,
                    b.k IS NOT NULL AS was_believed, b.c IS DISTINCT FROM s.c AS differs
                FROM stated s FULL JOIN known b
                    ON s.k = b.k AND s.valid_from IS NOT DISTINCT FROM b.valid_from
                UNION ALL ({self._resumed()})
            )
            SELECT *, lag(c) OVER (PARTITION BY k ORDER BY valid_from NULLS FIRST) AS previous_c
            FROM merged"""

    @property
    def _until(self) -> str:
        return "NULL::TIMESTAMPTZ" if self.holds_until is None else moment_sql(self.holds_until)

    def _resumed(self) -> str:
        """What is believed of each stated key at the moment until which the statements hold."""
        return f"""SELECT k, {self._until}, b.c, NULL, b.f, b.r, NULL, false, false
            FROM (SELECT DISTINCT k FROM stated WHERE {self._until} IS NOT NULL) s LEFT JOIN (
                SELECT * FROM known WHERE valid_from IS NULL OR valid_from <= {self._until}
                QUALIFY row_number() OVER (PARTITION BY k ORDER BY valid_from DESC NULLS LAST) = 1
            ) b USING (k) WHERE b.valid_from IS DISTINCT FROM {self._until}"""

    def _kept(self) -> str:
        """The timeline without statements that change nothing, each version ending at the next."""
        return f"""CREATE OR REPLACE TEMP TABLE kept AS
            SELECT *, lead(valid_from) OVER (PARTITION BY k ORDER BY valid_from NULLS FIRST) AS ends_at,
                row_number() OVER (PARTITION BY k ORDER BY valid_from NULLS FIRST) AS version,
                bool_or(was_believed) OVER (PARTITION BY k) AS was_known
            FROM timeline WHERE c IS DISTINCT FROM previous_c
                OR (was_believed AND ({self._until} IS NULL OR valid_from IS DISTINCT FROM {self._until}))"""

    def _decided(self) -> str:
        unused = "conflict" if self.kind == "rows" else "ignored"
        return f"""CREATE OR REPLACE TEMP TABLE decided AS
            SELECT a.n, a.k, a.valid_from, t.ends_at AS valid_to,
                CASE WHEN a.n <> a.chosen_n AND a.c <> a.chosen_c THEN '{unused}'
                     WHEN a.n <> a.chosen_n OR t.n IS NULL THEN 'duplicate'
                     WHEN t.was_believed AND NOT t.differs THEN 'duplicate'
                     WHEN a.c IS NULL THEN 'retired'
                     WHEN t.was_known OR t.version > 1 THEN 'updated'
                     ELSE 'accepted' END AS outcome
            FROM ranked a LEFT JOIN kept t ON t.n = a.n"""

    def _superseded(self) -> list[str]:
        """Corrected versions, and versions whose start or end has moved (those are recorded again)."""
        corrected = "n IS NOT NULL AND differs"
        moved = "valid_to IS DISTINCT FROM ends_at"
        was_row = "was_believed AND f IS NOT NULL"
        return [
            f"""CREATE OR REPLACE TEMP TABLE superseded AS
            SELECT f, r FROM kept WHERE {was_row} AND ({corrected} OR {moved})
            UNION ALL SELECT f, r FROM timeline
            WHERE {was_row} AND valid_from = {self._until} AND c IS NOT DISTINCT FROM previous_c""",
            f"""CREATE OR REPLACE TEMP TABLE ended AS
            SELECT f, r, valid_from AS starts_at, ends_at FROM kept
            WHERE CASE WHEN was_believed THEN f IS NOT NULL AND {moved} AND NOT ({corrected})
                       ELSE n IS NULL AND f IS NOT NULL AND c IS NOT NULL END""",
        ]
