"""What holds a line, what rules are worth, and what would have to change."""
