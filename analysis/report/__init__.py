"""What was found, written down: results, tables, figures and the page."""
