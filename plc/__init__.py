"""The wire: register map, codec, links to PLCs and wallboxes, wallbox profiles."""
