"""The officer's desk: a page that waits for cards, inspects them and shows the verdicts.

`state` and `machine` are pure: data, inputs, and a function from one state to the next.  `service`
runs inspections and holds the state; `web` serves the page.
"""
