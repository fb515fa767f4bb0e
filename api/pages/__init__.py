"""The pages that people see: public board, kiosk, operator's desk, ledger."""
