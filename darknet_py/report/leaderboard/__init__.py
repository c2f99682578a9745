"""Results that outlive their folders: a line for each run, from which verdicts are derived again."""
