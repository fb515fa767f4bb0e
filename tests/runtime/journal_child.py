"""A controller's stand-in that appends until it is killed: `python -m tests.runtime.journal_child URL`.

Prints the number of the last event of each batch after the batch is durable.
"""

from __future__ import annotations

import sys
from functools import partial

from billing.ledger import post
from runtime.database import open_engine
from runtime.journal import Journal
from tests.billing.books import BOOK, PERMITS
from tests.runtime.recordings import batch_of


def main(url: str) -> None:
    """Append batches behind what is stored, for ever."""
    journal = Journal(open_engine(url), partial(post, book=BOOK, permits=PERMITS))
    seq = journal.head.seq
    while True:
        batch = batch_of(seq + 1)
        journal.append(batch)
        seq = batch[-1].seq
        print(seq, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
