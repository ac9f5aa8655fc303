"""Show a report as text, as JSON and as a page of HTML."""
