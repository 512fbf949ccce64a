"""What an operator learns of the runs without asking: reports, alerts, metrics.

facts.py gathers what a run amounts to; report.py writes it down; rules.py says what is worth an alert; outbox.py and
channels.py deliver it; metrics.py is for Prometheus. after.py puts them together at the end of a crawl.
"""
