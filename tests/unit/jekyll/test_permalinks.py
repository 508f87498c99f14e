"""Addresses and ids of posts, as of Jekyll 4.3.1 and jekyll-feed 0.17."""

from datetime import UTC, datetime

import pytest
from reading import post_of, site_and_problems, site_of

from syndicator.jekyll.permalinks import Place, document_id, site_path

DATE = [  # path, head, and below the site's address: page and id
    (
        "_posts/2024-01-02-plain-post.md",
        "",
        "/2024/01/02/plain-post.html",
        "/2024/01/02/plain-post",
    ),
    (
        "_posts/2024-01-03-Upper Case & Spaces.md",
        "",
        "/2024/01/03/Upper-Case-&-Spaces.html",
        "/2024/01/03/Upper%20Case%20&%20Spaces",
    ),
    (
        "_posts/2024-1-5-single.digits.md",
        "title: One digit",
        "/2024/01/05/single.digits.html",
        "/2024/01/05/single.digits",
    ),
    ("_posts/24-01-06-short-year.md", "", "/2024/01/06/short-year.html", "/2024/01/06/short-year"),
    (
        "_posts/2024-01-09-ünï-cödé_post.md",
        "",
        "/2024/01/09/%C3%BCn%C3%AF-c%C3%B6d%C3%A9_post.html",
        "/2024/01/09/%C3%BCn%C3%AF-c%C3%B6d%C3%A9_post",
    ),
    (
        "_posts/2024-01-10-日本語の投稿.md",
        'title: 日本語！\ncategories: [技術, C#, "a b"]',
        "/%E6%8A%80%E8%A1%93/c%23/a%20b/2024/01/10/%E6%97%A5%E6%9C%AC%E8%AA%9E%E3%81%AE%E6%8A%95%E7%A8%BF.html",
        "/%E6%8A%80%E8%A1%93/c%23/a%20b/2024/01/10/%E6%97%A5%E6%9C%AC%E8%AA%9E%E3%81%AE%E6%8A%95%E7%A8%BF",
    ),
    (
        "_posts/2024-01-11-slugged.md",
        "slug: My Own_Slug!",
        "/2024/01/11/My-Own_Slug!.html",
        "/2024/01/11/My%20Own_Slug!",
    ),
    (
        "_posts/2024-01-15-htmlpost.html",
        'title: "An \\"HTML\\" post"',
        "/2024/01/15/htmlpost.html",
        "/2024/01/15/htmlpost",
    ),
    (
        "_posts/2024-01-16-cat.md",
        "category: One Two\ncategories: [Three, four]",
        "/three/four/one%20two/2024/01/16/cat.html",
        "/three/four/one%20two/2024/01/16/cat",
    ),
    (
        "_posts/2024-01-17-cats.md",
        "categories: Foo bar Foo\ntags: x y",
        "/foo/bar/2024/01/17/cats.html",
        "/foo/bar/2024/01/17/cats",
    ),
    (
        "movies/Horror/_posts/sub/2024-01-22-below.md",
        "category: New",
        "/movies/horror/new/2024/01/22/below.html",
        "/movies/horror/new/2024/01/22/below",
    ),
    (
        "_posts/2024-02-24-100% sure?#1 [x].md",
        "",
        "/2024/02/24/100-sure-1-x.html",
        "/2024/02/24/100%25%20sure#1%20%5Bx%5D",
    ),
    (
        "_posts/2024-02-25-it's (ok) @home, a+b=c;d~e!.md",
        "",
        "/2024/02/25/it's-(ok)-@home,-a+b=c;d~e!.html",
        "/2024/02/25/it's%20(ok)%20@home,%20a+b=c;d~e!",
    ),
    (
        "_posts/2024-02-26-double--dash-.md",
        "",
        "/2024/02/26/double-dash.html",
        "/2024/02/26/double--dash-",
    ),
    (
        "_posts/2024-02-28-emptyslug.md",
        'slug: "日 本"\ncategories: [a/b, "x?y", "p:q", "[z]"]',
        "/a/b/x?y/p:q/%5Bz%5D/2024/02/28/%E6%97%A5-%E6%9C%AC.html",
        "/a/b/x?y/p:q/%5Bz%5D/2024/02/28/%E6%97%A5%20%E6%9C%AC",
    ),
    ("_recipes/pie.md", "date: 2024-05-01", "/recipes/pie.html", "/recipes/pie"),
    (
        "_recipes/deep/2024-05-02-cake.md",
        "title: Cake",
        "/recipes/deep/2024-05-02-cake.html",
        "/recipes/deep/cake",
    ),
    (
        "_recipes/Ünder Score_x.md",
        "date: 2024-05-03 10:00\ncategories: sweet",
        "/recipes/%C3%9Cnder%20Score_x.html",
        "/recipes/%C3%9Cnder%20Score_x",
    ),
    ("_recipes/plain.html", "date: 2024-05-04", "/recipes/plain.html", "/recipes/plain"),
]

STYLES = [  # style, path, page, id
    (
        "pretty",
        "_posts/2024-01-02-plain-post.md",
        "/2024/01/02/plain-post/",
        "/2024/01/02/plain-post",
    ),
    (
        "pretty",
        "movies/Horror/_posts/sub/2024-01-22-below.md",
        "/movies/horror/2024/01/22/below/",
        "/movies/horror/2024/01/22/below",
    ),
    ("pretty", "_posts/2024-01-15-htmlpost.html", "/2024/01/15/htmlpost/", "/2024/01/15/htmlpost"),
    (
        "pretty",
        "_recipes/deep/2024-05-02-cake.md",
        "/recipes/deep/2024-05-02-cake/",
        "/recipes/deep/cake",
    ),
    (
        "ordinal",
        "_posts/2024-01-02-plain-post.md",
        "/2024/002/plain-post.html",
        "/2024/002/plain-post",
    ),
    (
        "ordinal",
        "movies/Horror/_posts/sub/2024-01-22-below.md",
        "/movies/horror/2024/022/below.html",
        "/movies/horror/2024/022/below",
    ),
    ("ordinal", "_posts/2024-01-15-htmlpost.html", "/2024/015/htmlpost.html", "/2024/015/htmlpost"),
    (
        "ordinal",
        "_recipes/deep/2024-05-02-cake.md",
        "/recipes/deep/2024-05-02-cake.html",
        "/recipes/deep/cake",
    ),
    (
        "weekdate",
        "_posts/2024-01-02-plain-post.md",
        "/2024/W01/Tue/plain-post.html",
        "/2024/W01/Tue/plain-post",
    ),
    (
        "weekdate",
        "movies/Horror/_posts/sub/2024-01-22-below.md",
        "/movies/horror/2024/W04/Mon/below.html",
        "/movies/horror/2024/W04/Mon/below",
    ),
    (
        "weekdate",
        "_posts/2024-01-15-htmlpost.html",
        "/2024/W03/Mon/htmlpost.html",
        "/2024/W03/Mon/htmlpost",
    ),
    (
        "weekdate",
        "_recipes/deep/2024-05-02-cake.md",
        "/recipes/deep/2024-05-02-cake",
        "/recipes/deep/cake",
    ),
    ("none", "_posts/2024-01-02-plain-post.md", "/plain-post.html", "/plain-post"),
    (
        "none",
        "movies/Horror/_posts/sub/2024-01-22-below.md",
        "/movies/horror/below.html",
        "/movies/horror/below",
    ),
    ("none", "_posts/2024-01-15-htmlpost.html", "/htmlpost.html", "/htmlpost"),
    (
        "none",
        "_recipes/deep/2024-05-02-cake.md",
        "/recipes/deep/2024-05-02-cake.html",
        "/recipes/deep/cake",
    ),
]

OWN = [  # permalink in the head, page, id
    ("/own/place/", "/own/place/", "/own/hello"),
    ("own/:year/:i_month/:title.html", "/own/2024/1/hello.html", "/own/2024/1/hello"),
    ("/a/../b//c/./d", "/a/b/c/d", "/a/b/c/hello"),
    (
        "/ﬁne/ü%20x/%2F/?q=1&b=+#frag",
        "/fine/%C3%BC%20x/%2F/?q=1&b=+#frag",
        "/fine/%C3%BC%20x/%2F/hello",
    ),
    ("/", "/", "/hello"),
]

PLACE = Place(
    collection="posts",
    path="movies//x",
    basename="2024-12-30-My_Day",
    slug="My_Day",
    output_ext=".html",
    published=datetime(2024, 12, 30, 4, 5, 6, tzinfo=UTC),
    categories=("Foo Bar", "baz", "BAZ"),
)

PLACEHOLDERS = {
    "categories": "foo%20bar/baz",
    "slugified_categories": "foo-bar/baz",
    "year": "2024",
    "short_year": "24",
    "month": "12",
    "i_month": "12",
    "short_month": "Dec",
    "long_month": "December",
    "day": "30",
    "i_day": "30",
    "y_day": "365",
    "w_year": "2025",
    "week": "01",
    "w_day": "1",
    "short_day": "Mon",
    "long_day": "Monday",
    "hour": "04",
    "minute": "05",
    "second": "06",
    "title": "My_Day",
    "slug": "my-day",
    "name": "2024-12-30-my-day",
    "path": "movies/x",
    "basename": "2024-12-30-My_Day",
    "collection": "posts",
    "output_ext": ".html",
    "year_": "2024_",
}

COLLECTIONS = "collections: {recipes: {output: true}}\n"


@pytest.mark.parametrize(("path", "head", "page", "id_"), DATE)
def test_default_style(path: str, head: str, page: str, id_: str) -> None:
    """The address has categories, date and slug; the id has the page's folder and the raw slug."""
    actual = post_of(head, path=path, site=site_of(f"url: https://example.com\n{COLLECTIONS}")).head
    assert (f"https://example.com{page}", f"https://example.com{id_}") == (actual.url, actual.id)


@pytest.mark.parametrize(("style", "path", "page", "id_"), STYLES)
def test_styles(style: str, path: str, page: str, id_: str) -> None:
    """Each named style, for posts and for a collection without a permalink."""
    actual = post_of(
        "layout: x",
        path=path,
        site=site_of(f"url: https://example.com\npermalink: {style}\n{COLLECTIONS}"),
    ).head
    assert (f"https://example.com{page}", f"https://example.com{id_}") == (actual.url, actual.id)


@pytest.mark.parametrize(("permalink", "page", "id_"), OWN)
def test_own_permalink(permalink: str, page: str, id_: str) -> None:
    """A head's permalink is a template, made safe, and gives the id its folder."""
    actual = post_of(f"permalink: '{permalink}'").head
    assert (f"https://example.com{page}", f"https://example.com{id_}") == (actual.url, actual.id)


@pytest.mark.parametrize("key", PLACEHOLDERS)
def test_placeholders(key: str) -> None:
    """Every placeholder of Jekyll becomes its value, escaped."""
    assert f"/{PLACEHOLDERS[key]}" == site_path(f"/:{key}", PLACE)


def test_underscore_between_placeholders() -> None:
    """An underscore after a placeholder is an underscore."""
    assert site_path("/:year_:month", PLACE) == "/2024_12"


def test_date_is_in_the_sites_zone() -> None:
    """The day in an address is the day in the site's time zone."""
    site = site_of("url: https://example.com\ntimezone: Asia/Tokyo\n")
    actual = post_of("date: 2024-01-02 20:00:00 Z", site=site).head
    assert actual.url == "https://example.com/2024/01/03/hello.html"


def test_collection_permalink() -> None:
    """A collection's own template applies to its documents."""
    config = (
        "url: https://example.com\ncollections: {recipes: {output: true, permalink: "
        "'/food/:name-:path-:title/'}}\n"
    )
    actual = post_of(
        "title: Cake", path="_recipes/deep/2024-05-02-cake.md", site=site_of(config)
    ).head
    assert actual.url == "https://example.com/food/2024-05-02-cake-/deep/2024-05-02-cake-cake/"


def test_base_url() -> None:
    """A site below a folder has it in every address and id."""
    actual = post_of(
        "", site=site_of("url: https://example.com\nbaseurl: /blog/\npermalink: /:title/\n")
    ).head
    assert (actual.url, actual.id) == (
        "https://example.com/blog/hello/",
        "https://example.com/blog/hello",
    )


def test_unknown_placeholder_of_the_site() -> None:
    """A template with an unknown placeholder is one Problem of the config."""
    _, problems = site_and_problems("url: https://e.com\npermalink: /:nope/:title/\n")
    assert [str(problem) for problem in problems] == [
        "_config.yml:2: permalink has an unknown placeholder :nope"
    ]


@pytest.mark.parametrize(
    ("page", "slug", "expected"),
    [
        ("/blog/x/", "x", "/blog/x"),
        ("/x/", "x", "/x"),
        ("/", "x", "/x"),
        ("/a/b.html", "c d", "/a/c d"),
    ],
)
def test_document_id(page: str, slug: str, expected: str) -> None:
    """An id is the folder of the page's path and the slug."""
    assert expected == document_id(page, slug)


def test_permalink_of_the_posts_collection() -> None:
    """`collections.posts.permalink` wins over `permalink`."""
    site = site_of(
        "url: https://example.com\npermalink: pretty\ncollections: {posts: {permalink: "
        "'/news/:year/:title/'}}\n"
    )
    assert post_of("layout: x", site=site).head.url == "https://example.com/news/2024/hello/"
