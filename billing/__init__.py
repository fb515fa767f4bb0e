"""Money: tariffs and postings, ledger and receipts."""
