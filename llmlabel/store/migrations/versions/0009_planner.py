"""SQLite is told how many rows share a status, so that it finds rows by their key instead.

PostgreSQL counts by itself. SQLite takes ten rows for each value of any index until it is told
otherwise, and would look through all that wait to find the few of one job. The numbers are of a
service with a million labels; that they fit no other exactly does not matter, for what they
decide is which of two columns tells rows apart (https://sqlite.org/fileformat2.html#stat1tab).

Revision: 0009
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Rows of the table, then rows that share the first column of the index, the first two, and so on.
ROWS_EACH: Final = {
    "requests": {
        "sqlite_autoindex_requests_1": "1000000 2 1",
        "ix_requests_status_guideline": "1000000 400000 200000",
    },
    "labels": {
        "sqlite_autoindex_labels_1": "1000000 1",
        "ix_labels_document_id_guideline_seq": "1000000 3 2 1",
        "ix_labels_guideline_route": "1000000 400000 200000",
        "ix_labels_certificate_seq": "1000000 400000 1",
        "ix_labels_opinions_of_seq": "1000000 2 1",
    },
    "reviews": {
        "sqlite_autoindex_reviews_1": "1000000 1",
        "ix_reviews_document_id": "1000000 2",
        "ix_reviews_label_id": "1000000 2",
        "ix_reviews_panel_leased_by": "1000000 3 1",
        "ix_reviews_leased_by_status": "1000000 20000 1000",
        "ix_reviews_guideline_winner": "1000000 400000 1",
        "ix_reviews_status_guideline_seq": "1000000 500000 200000 1",
        "ix_reviews_place": "1000000 500000 200000 100 1",
        "ix_reviews_kind_place": "1000000 500000 200000 100000 100 1",
    },
}


def upgrade() -> None:
    """Write the numbers."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("ANALYZE requests")  # makes the table of numbers
    told = sa.table("sqlite_stat1", *(sa.column(name) for name in ("tbl", "idx", "stat")))
    op.execute(sa.delete(told))
    op.bulk_insert(
        told,
        [
            {"tbl": table, "idx": index, "stat": numbers}
            for table, indexes in ROWS_EACH.items()
            for index, numbers in indexes.items()
        ],
    )
    op.execute("ANALYZE sqlite_schema")  # reads it
