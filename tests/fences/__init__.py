"""The fences around the code hold when somebody leans on them."""
