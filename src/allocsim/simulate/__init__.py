"""One SimPy clock drives the year of all lanes at once."""
