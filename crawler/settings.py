"""Scrapy settings: only what differs from Scrapy's default, the default in a trailing comment.

Every ARCHIVE_* setting may also be given as an environment variable; -s NAME=VALUE beats both.
"""

import os
from pathlib import Path

BOT_NAME = "zhuanti-archive"  # scrapybot
SPIDER_MODULES = ["crawler.spiders"]  # []
COMMANDS_MODULE = "crawler.commands"  # ""

ARCHIVE_DIR = os.environ.get("ARCHIVE_DIR") or "archive"
ARCHIVE_DATABASE_URL = os.environ.get("ARCHIVE_DATABASE_URL")  # sqlite:///$ARCHIVE_DIR/archive.db
ARCHIVE_STORE = os.environ.get("ARCHIVE_STORE")  # where evidence and files go too: file:///FOLDER, s3://BUCKET/PREFIX
ARCHIVE_SITES_DIR = os.environ.get("ARCHIVE_SITES_DIR") or str(Path(__file__).parent / "sites")
ARCHIVE_CONTACT = os.environ.get("ARCHIVE_CONTACT")
ARCHIVE_RETRY_DELAY = os.environ.get("ARCHIVE_RETRY_DELAY") or 2  # seconds, doubled with each attempt
ARCHIVE_PROCESSES = os.environ.get("ARCHIVE_PROCESSES") or 0  # a replay's; 0: one a core
ARCHIVE_SLOWDOWN = os.environ.get("ARCHIVE_SLOWDOWN") or 1  # every pause is multiplied by it
ARCHIVE_QUIET_HOURS = os.environ.get("ARCHIVE_QUIET_HOURS")  # 08:00-18:00: no request then, Beijing time
ARCHIVE_DAILY_REQUESTS = os.environ.get("ARCHIVE_DAILY_REQUESTS")  # to one host, over all runs of a day
ARCHIVE_PATIENCE = os.environ.get("ARCHIVE_PATIENCE") or 60  # bad answers in a row, then a host is left alone
ARCHIVE_PAGE_MAXSIZE = os.environ.get("ARCHIVE_PAGE_MAXSIZE") or 16 * 1024 * 1024  # bytes; files: DOWNLOAD_MAXSIZE
ARCHIVE_TEXTS = os.environ.get("ARCHIVE_TEXTS") or "1"  # 0: leave the text of attachments to `archive migrate --texts`
# exports.archive.Archive: in the crawl's own process, for many polite crawls on one machine
ARCHIVE_CLASS = os.environ.get("ARCHIVE_CLASS") or "exports.remote.RemoteArchive"
ARCHIVE_LOG_FORMAT = os.environ.get("ARCHIVE_LOG_FORMAT") or "auto"  # json, text; auto: text on a terminal, else json
ARCHIVE_QUEUE_URL = os.environ.get("ARCHIVE_QUEUE_URL")  # the job queue, when several workers share the crawl
# when workers plan a crawl by themselves: the five fields of cron, in UTC
ARCHIVE_SCHEDULE = os.environ.get("ARCHIVE_SCHEDULE")
ARCHIVE_WORKER_TIMEOUT = os.environ.get("ARCHIVE_WORKER_TIMEOUT") or 30  # seconds of silence: the worker is dead

# Polite, always
USER_AGENT = "zhuanti-archive/0.1 (a research archive of public pages; obeys robots.txt)"  # Scrapy/VERSION …
ROBOTSTXT_OBEY = True  # False
CONCURRENT_REQUESTS = 64  # 16; pages asked for or being written, of all hosts: the next line is what limits
CONCURRENT_REQUESTS_PER_DOMAIN = 1  # 8
DOWNLOAD_DELAY = 1  # 0
DOWNLOAD_DELAY_JITTER = 0  # 0.5, which would go below the delay
AUTOTHROTTLE_ENABLED = True  # False
AUTOTHROTTLE_START_DELAY = 1  # 5
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9",  # en
}

# Safe against what a page may send
COOKIES_ENABLED = False  # True
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024  # 1 GiB
DOWNLOAD_WARNSIZE = 0  # 32 MiB
DOWNLOAD_TIMEOUT = 60  # 180
DOWNLOAD_VERIFY_CERTIFICATES = True  # False
DOWNLOAD_HANDLERS = {
    **dict.fromkeys(("data", "file", "ftp", "s3")),  # all on
    **dict.fromkeys(("http", "https"), "crawler.turns.TurnTaking"),  # HTTP11DownloadHandler
}
REDIRECT_MAX_TIMES = 5  # 20
REFERRER_POLICY = "no-referrer"  # no-referrer-when-downgrade; the one request that needs a Referer sets it
REMOTE_CONTROL_ENABLED = False  # True
TELNETCONSOLE_ENABLED = False  # True

DOWNLOADER_MIDDLEWARES = {
    "crawler.hosts.AllowedHosts": 40,
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,  # 50; AllowedHosts knows ports
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,  # 100
    "crawler.robots.Robots": 100,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,  # 550
    "crawler.backoff.BackOff": 550,
    "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,  # 580; see blocking.py
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,  # 590
    "crawler.compression.Compression": 590,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,  # 600
    "crawler.hosts.Redirects": 600,
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,  # 700; switched off it would be loaded all the same
    "crawler.pace.Budget": 840,
    "crawler.patience.Patience": 850,
    "crawler.evidence.KeepEvidence": 860,  # next to the network: sees bodies as received
}
EXTENSIONS = {
    "scrapy.extensions.telnet.TelnetConsole": None,  # 0; like the next, it would be loaded all the same
    "scrapy.extensions.remote_control.RemoteControl": None,  # 0
    "scrapy.extensions.throttle.AutoThrottle": None,  # 0
    "crawler.throttle.Throttle": 0,
    "crawler.progress.Progress": 0,
    "crawler.ending.EndWithTheItems": 0,
    "crawler.logs.HarmlessLogs": 999,  # after whatever else sets up logging
}

# The table of contents of pipelines/
ITEM_PIPELINES = {
    "pipelines.choose.Choose": 100,
    "pipelines.clean.Clean": 200,
    "pipelines.note.TakeNote": 300,
    "pipelines.byline.TakeByline": 400,
    "pipelines.credits.TakeCredits": 450,
    "pipelines.dates.ParseDates": 500,
    "pipelines.structure.Structure": 550,
    "pipelines.validate.Validate": 600,
    "pipelines.store.Store": 900,
}

LOG_LEVEL = "INFO"  # DEBUG
LOG_VERSIONS: list[str] = []  # a dozen libraries
STATS_DUMP = False  # True
