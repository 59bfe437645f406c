"""Where pods run: one contract, one suite, several places."""
