"""Renders a post as an entry: Liquid, then Markdown, as Jekyll's renderer does, then sanitising."""

import logging
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from syndicator.jekyll import excerpt, media, relative_links, sanitize
from syndicator.jekyll.as_text import as_text, is_empty
from syndicator.jekyll.characters import printable
from syndicator.jekyll.direction import is_right_to_left
from syndicator.jekyll.emojis import html_with_emoji, with_emoji
from syndicator.jekyll.fallbacks.losses import notes
from syndicator.jekyll.front_notes import front_notes
from syndicator.jekyll.linked_page import external_url
from syndicator.jekyll.localized_links import with_localized_links
from syndicator.jekyll.markup import (
    MAX_PLAIN,
    excerpt_separator,
    has_liquid,
    markup_of,
    paragraphs,
    without_liquid,
)
from syndicator.jekyll.pages import Pages
from syndicator.jekyll.podcast import read_episode
from syndicator.jekyll.site import Site
from syndicator.jekyll.titles import plain_label
from syndicator.kramdown.to_html import MarkdownLimitError, to_html
from syndicator.model.content import Author, Entry, Post, PostHead, Problem
from syndicator.model.lookups import SiteFiles, SitePosts

if TYPE_CHECKING:
    from syndicator.liquid import Liquid

log = logging.getLogger(__name__)

#: Characters of a post to render, before and after Liquid, not counting inline pictures. Ordinary
#: Markdown of this length takes about a second. The longest of 10,000 measured posts has 51,388.
MAX_TEXT = 512 * 1024
#: Characters of HTML to sanitise, not counting inline pictures: a few tenths of a second to two
#: seconds.
MAX_HTML = 1024 * 1024
#: Characters of a summary. Even with each of them escaped, an entry with it fits into a feed.
MAX_SUMMARY = 64 * 1024

_PICTURE = re.compile(r"data:image/[a-z.+-]+;base64,[A-Za-z0-9+/=]+", re.IGNORECASE)


class Rendering(Struct, frozen=True, kw_only=True):
    """The result of rendering a post."""

    entry: Entry | None  #: None: it can't be published; a problem has the reason
    problems: tuple[Problem, ...] = ()
    uses_posts: bool = False  #: True: any change of another post may change it
    #: The posts that it links to by name; None: no published post has it.
    named_posts: Mapping[str, PostHead | None] = field(default_factory=dict)
    uses_day: bool = False  #: True: it depends on the date of the build, in the site's zone


class Renderer:
    """Renders the posts of one site. Not thread-safe."""

    def __init__(
        self,
        site: Site,
        files: SiteFiles,
        posts: SitePosts,
        *,
        policy: sanitize.Policy = sanitize.DEFAULT,
    ) -> None:
        self._site = site
        self._files = files
        self._posts = posts
        self._policy = policy
        self._pages = Pages(site)
        self._markdown_suffixes = tuple(map(str.lower, site.suffixes))

    @cached_property
    def _liquid(self) -> "Liquid":
        """Set up for the first post that has Liquid. Importing it takes as long as all the rest."""
        from syndicator.liquid import Liquid

        return Liquid(
            site=self._site,
            files=self._files,
            posts=self._posts,
            markup=markup_of(self._site),
        )

    def render(self, post: Post) -> Rendering:
        """Render a post. A part that fails is a problem, and the rest is published.

        Never raises: if an untrusted post crashes a library, the others are published.
        """
        try:
            return self._rendering(post)
        except Exception as error:
            log.exception("%s can't be rendered", post.head.path)
            problem = Problem(
                path=post.head.path,
                message=f"can't be rendered: {type(error).__name__}: {error}",
                hint="this is a bug in syndicator; report it with the traceback from the log",
                fatal=True,
            )
            return Rendering(entry=None, problems=(problem,))

    def _rendering(self, post: Post) -> Rendering:
        outcome = _Outcome()
        html = None if self._excerpt_only(post) else self._html(post, post.body, outcome)
        content = "" if html is None else self._content(post, html, outcome)
        entry = None
        if content is not None:
            summary = self._summary(post, html, outcome)
            entry = self._with_episode(post, self._entry(post, content, summary), outcome)
            outcome.add(*front_notes(post, entry, self._site, self._files))
        return Rendering(
            entry=entry,
            problems=tuple(outcome.problems),
            uses_posts=outcome.uses_posts,
            named_posts=outcome.named_posts,
            uses_day=outcome.uses_day,
        )

    def _content(self, post: Post, html: str, outcome: "_Outcome") -> str | None:
        """The sanitised HTML, with links to the site's pages. None: it can't be sanitised."""
        path = post.head.path
        if relative_links.applies_to(path, self._site):

            def find_post(name: str) -> PostHead | None:
                outcome.named_posts[name] = self._posts.find(name)
                return outcome.named_posts[name]

            def today() -> datetime:
                outcome.uses_day = True
                return self._posts.now

            def address_of_file(path: str) -> str | None:
                return self._pages.address_of_file(path, self._files, today)

            address_of = relative_links.address_from(
                path, self._site, self._files, find_post, address_of_file
            )
            html = relative_links.with_page_links(html, address_of)
        folder = self._site.plugins.folder_of(_site_language(post))
        if folder:
            html = with_localized_links(html, self._site, folder)
        return self._clean(post, html, outcome)

    def _entry(self, post: Post, content: str, summary: str) -> Entry:
        head = post.head
        return Entry(
            id=printable(head.id),
            url=printable(head.url),
            title=printable(with_emoji(head.title) if self._site.plugins.emoji else head.title),
            published=head.published,
            updated=head.updated or head.published,
            content=printable(content),
            summary=printable(summary),
            authors=tuple(_author(author) for author in post.authors),
            categories=tuple(printable(category) for category in post.categories),
            tags=tuple(printable(tag) for tag in post.tags),
            image=media.image(post.front, self._site, self._files),
            enclosures=media.enclosures(post.front, self._site, self._files),
            language=post.language,
            external_url=external_url(post.front, self._site),
            path=head.path,
            line=_line_of_picture(post),
        )

    def _with_episode(self, post: Post, entry: Entry, outcome: "_Outcome") -> Entry:
        episode, found = read_episode(post, self._site, self._files, entry)
        outcome.add(*found)
        return entry if episode is None else replace(entry, episode=episode)

    def _html(self, post: Post, source: str, outcome: "_Outcome") -> str:
        """The text as HTML; as plain paragraphs if it exceeds a limit or fails to parse."""
        text = source
        if outcome.over_limit or self._is_over_limit(post, "text", text, MAX_TEXT, outcome):
            return paragraphs(without_liquid(text[:MAX_PLAIN]))
        if post.front.get("render_with_liquid") is not False and has_liquid(source):
            result = self._liquid.render(source, post=post, first_line=post.body_line)
            outcome.add(*result.problems)
            outcome.uses_posts |= result.uses_posts
            outcome.named_posts |= result.named_posts
            outcome.uses_day |= result.uses_day
            text = result.text
            if self._is_over_limit(post, "text after Liquid", text, MAX_TEXT, outcome):
                return paragraphs(text)
        html = text
        if post.head.path.lower().endswith(self._markdown_suffixes):
            try:
                html = to_html(text, self._site.kramdown)
            except Exception as error:  # a post that crashes the parser must not stop the others
                outcome.over_limit = True
                outcome.add(_markdown_problem(post, error))
                return paragraphs(text)
        if self._is_over_limit(post, "HTML", html, MAX_HTML, outcome):
            return paragraphs(text)
        return html_with_emoji(html) if self._site.plugins.emoji else html

    def _is_over_limit(
        self, post: Post, what: str, text: str, limit: int, outcome: "_Outcome"
    ) -> bool:
        """Report a text over its limit. Then its excerpt is not rendered either."""
        length = length_without_pictures(text) if len(text) > limit else 0
        if length > limit:
            outcome.over_limit = True
            message = f"the post's {what} has {length:,} characters; the limit is {limit:,}"
            hint = (
                f"split the post: only its first {MAX_PLAIN:,} characters are published,"
                " without markup; inline pictures don't count"
            )
            outcome.add(_problem(post, message, hint))
        return outcome.over_limit

    def _clean(self, post: Post, html: str, outcome: "_Outcome") -> str | None:
        try:
            cleaned = sanitize.clean(html.strip(), base=post.head.url, policy=self._policy)
        except Exception as error:  # HTML that can't be sanitised is not published
            message = f"the post's HTML can't be sanitised: {type(error).__name__}: {error}"
            hint = "simplify its HTML; until then the post is in no feed"
            outcome.add(_problem(post, message, hint, fatal=True))
            return None
        if cleaned.escaped:
            message = (
                "its HTML has thousands of tags whose end is unclear, or of attributes in a tag"
            )
            hint = "close each tag of tables and other elements; until then it is published as text"
            outcome.add(_problem(post, message, hint))
        outcome.add(*notes(cleaned.losses, post))
        return self._directed(post, cleaned.html)

    def _directed(self, post: Post, html: str) -> str:
        """The HTML with its direction if it is right to left: a reader's page has another."""
        language = post.language or self._site.language
        is_rtl = is_right_to_left(post.front.get("dir"), language)
        return f'<div dir="rtl">{html}</div>' if html and is_rtl else html

    def _summary(self, post: Post, html: str | None, outcome: "_Outcome") -> str:
        """The `description`, `excerpt` or rendered excerpt as plain text, like jekyll-feed.

        `html` is the post's whole text; None: it was not rendered.
        """
        summary = self._full_summary(post, html, outcome)
        return summary if len(summary) <= MAX_SUMMARY else f"{summary[:MAX_SUMMARY]}…"

    def _full_summary(self, post: Post, html: str | None, outcome: "_Outcome") -> str:
        for key in ("description", "excerpt"):
            value = post.front.get(key)
            if not is_empty(value) and not isinstance(value, list | dict):
                text = as_text(value)
                text = html_with_emoji(text) if self._site.plugins.emoji else text
                return " ".join(plain_label(text).split())
        source = excerpt.source(post.body, excerpt_separator(post, self._site))
        if html is None or source != post.body:
            html = self._html(post, source, outcome) if source.strip() else ""
        return excerpt.plain(sanitize.shown(html, base=post.head.url, policy=self._policy))

    def _excerpt_only(self, post: Post) -> bool:
        feed = post.front.get("feed")
        return isinstance(feed, Mapping) and bool(feed.get("excerpt_only"))


class _Outcome:
    """The problems and dependencies found while rendering one post."""

    def __init__(self) -> None:
        self.problems: dict[Problem, None] = {}
        self.uses_posts = False
        self.named_posts: dict[str, PostHead | None] = {}
        self.uses_day = False
        self.over_limit = False  #: True: the post is published without markup

    def add(self, *problems: Problem) -> None:
        """Add problems, each once: an excerpt repeats those of its text."""
        self.problems.update(dict.fromkeys(problems))


def length_without_pictures(text: str) -> int:
    """The characters of a text without its inline pictures, which cost nothing to render."""
    return len(text) - sum(len(picture[0]) for picture in _PICTURE.finditer(text))


def _problem(post: Post, message: str, hint: str, *, fatal: bool = False) -> Problem:
    return Problem(
        path=post.head.path, line=post.body_line, message=message, hint=hint, fatal=fatal
    )


def _line_of_picture(post: Post) -> int:
    """The line of the first embedded picture, else of the text."""
    at = post.body.find("data:image/")
    return post.body_line + post.body.count("\n", 0, max(at, 0))


def _markdown_problem(post: Post, error: Exception) -> Problem:
    if isinstance(error, MarkdownLimitError):
        hint = "simplify or split the post; until then its text is published without markup"
        return _problem(post, str(error), hint)
    message = f"the Markdown can't be parsed: {type(error).__name__}: {error}"
    return _problem(post, message, "until this is fixed, its text is published without markup")


def _site_language(post: Post) -> str | None:
    return next((term.label for term in post.head.terms if term.kind == "language"), None)


def _author(author: Author) -> Author:
    return replace(author, name=printable(author.name))
