"""A made-up municipality whose truth is known: named lines, districts, past records, and the files they fill."""
