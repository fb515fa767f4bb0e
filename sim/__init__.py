"""The plant in place of the PLC."""
