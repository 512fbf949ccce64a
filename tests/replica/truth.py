"""The truth about the articles, as tests compare it with what was archived."""

from collections.abc import Iterator, Mapping

from tests.replica.article_parts import iso_time
from tests.replica.listings import listed_date
from tests.replica.model import Expected
from tests.replica.site import Site


class Truths(Mapping[str, Expected]):
    """Path as listed -> Expected, worked out when looked up: twenty thousand at once would fill the memory.

    It follows the changes made to the site; withdrawn articles stay in it.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def __getitem__(self, path: str) -> Expected:
        site, plan = self._site, self._site.plan
        index = plan.listed[path]
        story, entry, column = site.story(index), plan.entry_of[index], plan.column_of[index]
        markup = site.form("markup", index) if site.generation == "t3" else site.generation.upper()
        # Where the includes failed, only the listing says when the article appeared.
        blind = site.generation == "t3" and site.form("row", index) == "ssi-error"
        printed = iso_time(story)[:16] if markup == "T4" else iso_time(story)
        original = plan.told_by.get(index)
        return Expected(
            path=path,
            column_id=column.id,
            markup=markup,
            encoding=site.encoding(index),
            title=story.full_title,
            subtitle=story.subtitle if markup not in ("T1", "T2") else "",
            byline=story.byline,
            authors=list(story.authors),
            breadcrumb=["首页", *([column.parent] if column.parent else []), column.name],
            source="" if blind else story.source,
            content_type="" if blind else story.content_type,
            published_at=listed_date(entry) if blind else printed,
            paragraphs=story.paragraphs,
            editor_note=story.editor_note,
            images=story.images,
            attachments=story.attachments,
            listed_title=entry.title,
            listed_date=listed_date(entry),
            redirect=plan.redirects[path][1] if path in plan.redirects else None,
            duplicate_of=None if original is None else plan.entry_of[original].path,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._site.plan.listed))

    def __len__(self) -> int:
        return len(self._site.plan.listed)
