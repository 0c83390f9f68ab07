"""Published rows derived again, and corrected copies."""
