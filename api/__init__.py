"""The edge: routes, schemas and pages; it decides nothing."""
