"""Where a post stands on its site: templates, styles and placeholders.

Rules from jekyll/lib/jekyll: url.rb, drops/url_drop.rb, configuration.rb (STYLE_TO_PERMALINK), utils.rb
(add_permalink_suffix), document.rb (id).
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from syndicator.ruby.dates import DAYS, MONTHS
from syndicator.ruby.slugs import slugify
from syndicator.ruby.uris import escape_path

STYLES = {
    "none": "/:categories/:title:output_ext",
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
}

_KEY = re.compile(":([a-z_]+)")
_SLASHES = re.compile("/{2,}")


class Place(NamedTuple):
    """What a permalink can be made of."""

    collection: str
    path: str  #: without the suffix and without the collection's own folder (document.rb cleaned_relative_path)
    basename: str  #: the file's name without its suffix
    slug: str  #: of the front matter, else of the file's name
    output_ext: str
    moment: datetime  #: in the site's zone
    categories: Sequence[str]


def template_for_posts(permalink: str) -> str:
    """The template a site's `permalink` means: a style's name, or the template itself."""
    return STYLES.get(permalink, permalink)


def template_for_collection(permalink: str) -> str:
    """Where a collection's documents stand when it says nothing: the site's permalink decides how the address ends."""
    if permalink == "pretty" or (permalink not in STYLES and permalink.endswith("/")):
        return "/:collection/:path/"
    if permalink in ("date", "ordinal", "none") or permalink.endswith(":output_ext"):
        return "/:collection/:path:output_ext"
    return "/:collection/:path"


def unknown_keys(template: str) -> tuple[str, ...]:
    """Placeholders that nothing stands for."""
    return tuple(key for key in _KEY.findall(template) if key.rstrip("_") not in _VALUES)


def site_path(template: str, place: Place) -> str:
    """The page's path on its site: always with a leading slash, never with `..` or two slashes in a row."""
    filled = "".join(
        part if isinstance(part, str) else escape_path(part(place)) for part in _parts(template)
    )
    return _SLASHES.sub("/", f"/{filled}".replace("..", "/").replace("./", ""))


def document_id(path: str, slug: str) -> str:
    """Jekyll's `post.id`: the folder of the page's path, and the slug. Not always the page's path."""
    folder = path.rstrip("/").rpartition("/")[0].rstrip("/")
    return f"{folder}/{slug.lstrip('/')}"


@lru_cache(maxsize=256)  # a site has few templates; a post may have its own
def _parts(template: str) -> tuple[str | Callable[[Place], str], ...]:
    """A template taken apart: what stands there as it is, and what makes a placeholder's value."""
    parts: list[str | Callable[[Place], str]] = []
    for number, part in enumerate(_KEY.split(template)):
        name = part.removesuffix("_")  # `:year_:month` is a year, an underscore and a month
        if number % 2 == 0:
            parts.append(part)
        elif name in _VALUES:
            parts += _VALUES[name], part[len(name) :]
        else:
            parts.append(f":{part}")
    return tuple(filter(None, parts))


def _joined(words: Sequence[str]) -> str:
    return "/".join(dict.fromkeys(words))


_VALUES: dict[str, Callable[[Place], str]] = {
    "collection": lambda at: at.collection,
    "path": lambda at: at.path,
    "basename": lambda at: at.basename,
    "name": lambda at: slugify(at.basename),
    "title": lambda at: slugify(at.slug, "pretty", cased=True),
    "slug": lambda at: slugify(at.slug),
    "output_ext": lambda at: at.output_ext,
    "categories": lambda at: _joined([category.lower() for category in at.categories]),
    "slugified_categories": lambda at: _joined([slugify(category) for category in at.categories]),
    "year": lambda at: f"{at.moment.year:04}",
    "short_year": lambda at: f"{at.moment.year % 100:02}",
    "month": lambda at: f"{at.moment.month:02}",
    "i_month": lambda at: f"{at.moment.month}",
    "short_month": lambda at: MONTHS[at.moment.month - 1][:3],
    "long_month": lambda at: MONTHS[at.moment.month - 1],
    "day": lambda at: f"{at.moment.day:02}",
    "i_day": lambda at: f"{at.moment.day}",
    "y_day": lambda at: f"{at.moment.timetuple().tm_yday:03}",
    "w_year": lambda at: f"{at.moment.isocalendar().year:04}",
    "week": lambda at: f"{at.moment.isocalendar().week:02}",
    "w_day": lambda at: f"{at.moment.isoweekday()}",
    "short_day": lambda at: DAYS[at.moment.weekday()][:3],
    "long_day": lambda at: DAYS[at.moment.weekday()],
    "hour": lambda at: f"{at.moment.hour:02}",
    "minute": lambda at: f"{at.moment.minute:02}",
    "second": lambda at: f"{at.moment.second:02}",
}
