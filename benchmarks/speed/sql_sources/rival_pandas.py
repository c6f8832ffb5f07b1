"""What a plain analyst would write: every table as a data frame, then as Parquet.

python rival_pandas.py postgresql|mysql PORT OUT TABLE...
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd


def main() -> None:
    kind, port, out, *tables = sys.argv[1:]
    connection = connect(kind, int(port))
    # pandas would rather have SQLAlchemy, which adds nothing here.
    warnings.filterwarnings("ignore", message="pandas only supports SQLAlchemy")
    for table in tables:
        frame = pd.read_sql(f"SELECT * FROM {table}", connection)
        frame.to_parquet(Path(out) / f"{table}.parquet")
        print(table, len(frame))
    connection.close()


def connect(kind: str, port: int) -> Any:
    place = {"host": "127.0.0.1", "port": port, "user": "shop"}
    password = os.environ["FORESELL_SOURCE_PASSWORD"]
    if kind == "postgresql":
        import psycopg

        return psycopg.connect(dbname="shop", password=password, **place)
    import pymysql

    return pymysql.connect(database="shop", password=password, **place)


if __name__ == "__main__":
    main()
