"""What the weather does to districts, and what monitors can see of it."""
