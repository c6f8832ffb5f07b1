"""A quarantined row is found again where it stands in the file."""

from pathlib import Path

from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.quarantine import list_quarantine
from foresell.services.shop import create_shop


def test_row_numbers_count_the_rows_that_could_not_be_split(tmp_path: Path) -> None:
    lines = [
        "order_line_id,order_id,product_id,quantity,line_amount",
        "l1,o1,p1,1,5",
        "l2,o1",
        "l3,o1,p1,many,5",
        "l4,o1",
        "l5,o1",
        "l6,o1,p1,1,5",
        "l7,o1,p1,few,5",
    ]
    path = tmp_path / "lines.csv"
    path.write_text("\n".join(lines) + "\n")
    shop = create_shop(tmp_path / "store")
    [run] = import_files(shop, ImportRequest(path, "order_lines"))
    found = {row.row_number: row.error_code for row in list_quarantine(shop)}
    assert run.counts.rows_read == len(lines) - 1
    assert {number for number, code in found.items() if code == "invalid_number"} == {3, 7}
    assert {number for number, code in found.items() if code == "too_few_columns"} == {2, 4, 5}
