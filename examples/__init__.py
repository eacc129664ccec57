"""An application to copy, and the demo that runs it: `make demo`, `make serve`."""
