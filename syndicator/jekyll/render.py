"""From a post to an entry: Liquid, then Markdown, then what is safe to send, as Jekyll's renderer goes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape

from syndicator.jekyll import excerpt, media, sanitize
from syndicator.jekyll.characters import printable
from syndicator.jekyll.site import Site
from syndicator.kramdown.highlight import highlighted
from syndicator.kramdown.options import Highlighting
from syndicator.kramdown.to_html import MarkdownLimitError, smartify, to_html
from syndicator.liquid import Liquid, plain_text
from syndicator.liquid.context import Markup
from syndicator.model.content import Author, Entry, Post, Problem
from syndicator.model.lookups import SiteFiles, SitePosts

#: Characters of a post that are rendered, before Liquid and after it, without pictures that are written into the text.
#: About a second's worth of ordinary Markdown. The longest of 10,000 posts that were tried has 51,388.
MAX_TEXT = 512 * 1024
#: Characters of HTML that are cleaned, without such pictures: some tenths of a second to two seconds.
MAX_HTML = 1024 * 1024
#: Characters that go out of a post that is over a limit. Few, for it stands in feeds among others, and a feed is full
#: at `feeds.max_bytes`.
MAX_PLAIN = 64 * 1024
#: Characters of a summary: with each of them escaped it still fits into a feed, alone if need be.
MAX_SUMMARY = 64 * 1024

_PICTURE = re.compile(r"data:image/[a-z.+-]+;base64,[A-Za-z0-9+/=]+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendering:
    """What became of a post."""

    entry: Entry | None  #: None: nothing of it can be sent; a problem says why
    problems: tuple[Problem, ...] = ()
    uses_posts: bool = (
        False  #: True: it asked for other posts, and must be rendered again when they change
    )


def markup_of(site: Site) -> Markup:
    """What the Liquid of a site's posts may have turned into HTML."""
    highlighting = Highlighting(enabled=True)
    return Markup(
        markdown=lambda text: to_html(text, site.kramdown),
        smartify=lambda text: smartify(text, site.kramdown),
        highlight=lambda code, language, before: highlighted(code, language, highlighting, before),
    )


class Renderer:
    """Renders the posts of one site. Not for two threads at once."""

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
        self._policy = policy
        self._liquid = Liquid(site=site, files=files, posts=posts, markup=markup_of(site))
        self._markdown_suffixes = tuple(map(str.lower, site.suffixes))

    def render(self, post: Post) -> Rendering:
        """The entry of a post. What fails in it is a problem, and the rest goes out."""
        run = _Run()
        html = None if self._excerpt_only(post) else self._html(post, post.body, run)
        content = "" if html is None else self._clean(post, html, run)
        entry = (
            None if content is None else self._entry(post, content, self._summary(post, html, run))
        )
        return Rendering(entry=entry, problems=tuple(run.problems), uses_posts=run.uses_posts)

    def _entry(self, post: Post, content: str, summary: str) -> Entry:
        head = post.head
        return Entry(
            id=printable(head.id),
            url=printable(head.url),
            title=printable(head.title),
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
        )

    def _html(self, post: Post, source: str, run: "_Run") -> str:
        """The text as HTML; as paragraphs without markup once it is over a limit, or breaks the parser."""
        text = source
        if run.over or self._is_over(post, "text", text, MAX_TEXT, run):
            return _paragraphs(plain_text(text[:MAX_PLAIN]))
        if post.front.get("render_with_liquid") is not False and ("{%" in source or "{{" in source):
            result = self._liquid.render(source, post=post, first_line=post.body_line)
            run.add(*result.problems)
            run.uses_posts |= result.uses_posts
            text = result.text
            if self._is_over(post, "text after Liquid", text, MAX_TEXT, run):
                return _paragraphs(text)
        html = text
        if post.head.path.lower().endswith(self._markdown_suffixes):
            try:
                html = self._markdown(text)
            except (
                Exception
            ) as error:  # one post that the parser can't read must not stop the others
                run.over = True
                known = isinstance(error, MarkdownLimitError)
                run.add(
                    Problem(
                        path=post.head.path,
                        line=post.body_line,
                        message=str(error)
                        if known
                        else f"the Markdown can't be read: {type(error).__name__}: {error}",
                        hint="its text goes out without markup",
                    )
                )
                return _paragraphs(text)
        return _paragraphs(text) if self._is_over(post, "HTML", html, MAX_HTML, run) else html

    def _is_over(self, post: Post, what: str, text: str, limit: int, run: "_Run") -> bool:
        """Whether a text is longer than may be. That is noted, and its excerpt is not rendered either."""
        length = length_without_pictures(text) if len(text) > limit else 0
        if length > limit:
            run.over = True
            run.add(
                Problem(
                    path=post.head.path,
                    line=post.body_line,
                    message=f"the post's {what} has {length:,} characters; the limit is {limit:,}",
                    hint=f"the first {MAX_PLAIN:,} go out without markup; pictures written into the text don't count",
                )
            )
        return run.over

    def _markdown(self, text: str) -> str:
        return to_html(text, self._site.kramdown)

    def _clean(self, post: Post, html: str, run: "_Run") -> str | None:
        def note() -> None:
            message = "its HTML has thousands of tags that don't plainly end where they seem to"
            hint = "it goes out as the text it is; close each tag of tables and other elements"
            run.add(Problem(path=post.head.path, line=post.body_line, message=message, hint=hint))

        try:
            return sanitize.clean(
                html.strip(), base=post.head.url, policy=self._policy, on_escape=note
            )
        except Exception as error:  # what can't be made safe is not sent
            message = f"the post can't be made safe to send: {type(error).__name__}: {error}"
            run.add(Problem(path=post.head.path, line=post.body_line, message=message, fatal=True))
            return None

    def _summary(self, post: Post, html: str | None, run: "_Run") -> str:
        """As jekyll-feed: `description`, else `excerpt`, else the rendered excerpt; as plain text.

        `html` is the whole text's; None: it was not rendered.
        """
        found = self._found_summary(post, html, run)
        return found if len(found) <= MAX_SUMMARY else f"{found[:MAX_SUMMARY]}…"

    def _found_summary(self, post: Post, html: str | None, run: "_Run") -> str:
        for key in ("description", "excerpt"):
            said = post.front.get(key)
            if said not in (None, False, "", [], {}):
                return excerpt.plain(str(said))
        separator = post.front.get("excerpt_separator") or self._site.excerpt_separator
        source = excerpt.source(post.body, str(separator or ""))
        if html is None or source != post.body:
            html = self._html(post, source, run) if source.strip() else ""
        return excerpt.plain(html)

    def _excerpt_only(self, post: Post) -> bool:
        feed = post.front.get("feed")
        return isinstance(feed, Mapping) and bool(feed.get("excerpt_only"))


class _Run:
    """What was noted while rendering one post."""

    def __init__(self) -> None:
        self.problems: dict[Problem, None] = {}
        self.uses_posts = False
        self.over = False  #: True: it is over a limit, and goes out without markup

    def add(self, *problems: Problem) -> None:
        """Note problems, each once: an excerpt has those of the text it is taken from."""
        self.problems.update(dict.fromkeys(problems))


def length_without_pictures(text: str) -> int:
    """The characters of a text but for the pictures that are written into it, which cost nothing to render."""
    return len(text) - sum(len(picture[0]) for picture in _PICTURE.finditer(text))


def _paragraphs(text: str) -> str:
    """A text without markup, cut to what such a text may have."""
    cut = text if len(text) <= MAX_PLAIN else f"{text[:MAX_PLAIN]}…"
    return "".join(f"<p>{escape(part)}</p>\n" for part in cut.split("\n\n"))


def _author(author: Author) -> Author:
    return replace(author, name=printable(author.name))
