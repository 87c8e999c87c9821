"""One call until its outcome is known: attempts, their verdicts, retries, and the history."""
