"""Rules that cannot all hold: which, by how much, in words, and the way out."""
