"""Run folders become a report: HTML, Markdown, JSON."""
