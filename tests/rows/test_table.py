"""The table of a file's rows."""

import gc

from kabelwerk_cli.rows.table import Table


def test_a_query_that_is_not_read_to_its_end_outlives_the_table() -> None:
    """As when a signal ends a run: Python would print an error after the run's last line."""
    with Table("extra INTEGER", "x''", None) as table:
        query = table.select("SELECT 1 UNION SELECT 2")
        assert next(query) == (1,)
    del query
    gc.collect()
