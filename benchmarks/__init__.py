"""How fast the adapters are, beside upstream's and beside the bare driver: `make bench`."""
