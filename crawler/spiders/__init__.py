"""The spiders: zhuanti and columns crawl, replay extracts again from kept evidence."""
