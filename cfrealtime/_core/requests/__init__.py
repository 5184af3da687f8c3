"""From a facade call's arguments to request values, one module for each part of the API."""
