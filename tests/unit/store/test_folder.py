from pathlib import Path

from foresell.contracts.settings import make_settings
from foresell.store.folder import create_store


def test_work_larger_than_the_memory_limit_spills_into_the_store_and_leaves_nothing(tmp_path: Path) -> None:
    settings = make_settings({"engine": {"memory_limit": "60MB", "threads": 2}})
    folder = create_store(tmp_path / "store", settings)
    with folder.connect(settings) as connection:
        connection.execute(
            "CREATE TEMP TABLE large AS SELECT i, md5(CAST(i AS VARCHAR)) AS m FROM range(2000000) t(i)"
        )
        [(count,)] = connection.execute("SELECT count(*) FROM (SELECT m FROM large ORDER BY m)").fetchall()
        spilled = list((folder.root / ".work").rglob("*"))
    assert count == 2_000_000
    assert spilled
    assert not list((folder.root / ".work").rglob("*"))
