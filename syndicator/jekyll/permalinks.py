"""The path of a post on its site: permalink styles, templates and placeholders.

Rules from jekyll/lib/jekyll: url.rb, drops/url_drop.rb, configuration.rb (STYLE_TO_PERMALINK),
utils.rb (add_permalink_suffix), document.rb (id).
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


PLACEHOLDER_HINT = "correct it: it stays in the address; Jekyll's are year, month, title, path, …"


class Place(NamedTuple):
    """The values that a permalink's placeholders can have."""

    collection: str
    #: Without the suffix and the collection's own folder (document.rb cleaned_relative_path).
    path: str
    basename: str  #: the file's name without its suffix
    slug: str  #: of the front matter, else of the file name
    output_ext: str
    published: datetime  #: in the site's zone
    categories: Sequence[str]


def template_for_posts(permalink: str) -> str:
    """The template for a site's `permalink`, which is a style's name or the template itself."""
    return STYLES.get(permalink, permalink)


def template_for_collection(permalink: str) -> str:
    """The default template of a collection: the end is that of the site's permalink."""
    if permalink == "pretty" or (permalink not in STYLES and permalink.endswith("/")):
        return "/:collection/:path/"
    if permalink in ("date", "ordinal", "none") or permalink.endswith(":output_ext"):
        return "/:collection/:path:output_ext"
    return "/:collection/:path"


def unknown_keys(template: str) -> tuple[str, ...]:
    """The placeholders that Jekyll doesn't define."""
    return tuple(key for key in _KEY.findall(template) if key.rstrip("_") not in _VALUES)


def site_path(template: str, place: Place) -> str:
    """The page's path, with a leading slash and without `..` or two slashes in a row."""
    filled = "".join(
        part if isinstance(part, str) else escape_path(part(place)) for part in _parts(template)
    )
    return _SLASHES.sub("/", f"/{filled}".replace("..", "/").replace("./", ""))


def document_id(path: str, slug: str) -> str:
    """Jekyll's `post.id`: the folder of the page's path, and the slug. May differ from the path."""
    folder = path.rstrip("/").rpartition("/")[0].rstrip("/")
    return f"{folder}/{slug.lstrip('/')}"


@lru_cache(maxsize=256)  # a site has few templates; a post may have its own
def _parts(template: str) -> tuple[str | Callable[[Place], str], ...]:
    """A template's literal texts, and a function for the value of each placeholder."""
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


def _as_path(words: Sequence[str]) -> str:
    return "/".join(dict.fromkeys(words))


_VALUES: dict[str, Callable[[Place], str]] = {
    "collection": lambda place: place.collection,
    "path": lambda place: place.path,
    "basename": lambda place: place.basename,
    "name": lambda place: slugify(place.basename),
    "title": lambda place: slugify(place.slug, "pretty", keep_case=True),
    "slug": lambda place: slugify(place.slug),
    "output_ext": lambda place: place.output_ext,
    "categories": lambda place: _as_path([category.lower() for category in place.categories]),
    "slugified_categories": lambda place: _as_path(
        [slugify(category) for category in place.categories]
    ),
    "year": lambda place: f"{place.published.year:04}",
    "short_year": lambda place: f"{place.published.year % 100:02}",
    "month": lambda place: f"{place.published.month:02}",
    "i_month": lambda place: f"{place.published.month}",
    "short_month": lambda place: MONTHS[place.published.month - 1][:3],
    "long_month": lambda place: MONTHS[place.published.month - 1],
    "day": lambda place: f"{place.published.day:02}",
    "i_day": lambda place: f"{place.published.day}",
    "y_day": lambda place: f"{place.published.timetuple().tm_yday:03}",
    "w_year": lambda place: f"{place.published.isocalendar().year:04}",
    "week": lambda place: f"{place.published.isocalendar().week:02}",
    "w_day": lambda place: f"{place.published.isoweekday()}",
    "short_day": lambda place: DAYS[place.published.weekday()][:3],
    "long_day": lambda place: DAYS[place.published.weekday()],
    "hour": lambda place: f"{place.published.hour:02}",
    "minute": lambda place: f"{place.published.minute:02}",
    "second": lambda place: f"{place.published.second:02}",
}
