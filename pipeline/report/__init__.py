"""The report of a build: one HTML page that shows what was kept, what was not, and why."""
