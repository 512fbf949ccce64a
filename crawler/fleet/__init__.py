"""Several workers sharing one crawl: jobs in a queue on PostgreSQL, each job one `scrapy crawl` of one column.

Read queue.py (the database of jobs), plan.py (what is put into it), job.py (how one is done), worker.py (the process
that takes them). Needs the optional packages of the extra `fleet`; nothing imports this package at the top of a module.
"""
