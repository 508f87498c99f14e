"""Backgrounds, custom elements and pictures without an address: what readers see of them."""

import pytest

from syndicator.jekyll.sanitize import Cleaned, clean

SITE = "https://site.example"
BOXED = (
    ' sandbox="allow-popups allow-popups-to-escape-sandbox allow-presentation'
    ' allow-same-origin allow-scripts"'
)
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
REAL = f'<img src="{SITE}/i/real.jpg">'
TWIN = '<noscript><img src="/i/real.jpg"></noscript>'


def cleaned(html: str) -> Cleaned:
    return clean(html, base=f"{SITE}/post/")


def kinds(html: str) -> list[tuple[str, int]]:
    return [(loss.kind.name, loss.number) for loss in cleaned(html).losses]


BACKGROUND = "background-image: url('/i/real.jpg')"
BACKGROUNDS = [
    (f'<div role="img" aria-label="Hall" style="{BACKGROUND}"></div>', "Hall"),
    (f'<section title="Hall" style="color: red; {BACKGROUND}">\n</section>', "Hall"),
    ('<a style="background: #fff url(/i/real.jpg) no-repeat"></a>', ""),
    ('<span style="background:url( &quot;/i/real.jpg&quot; )"></span>', ""),
]


@pytest.mark.parametrize(("html", "alternative"), BACKGROUNDS)
def test_a_background_of_nothing_is_a_picture(html: str, alternative: str) -> None:
    """An element that has only a background is another way to write a picture."""
    result = cleaned(html)
    assert f'<img src="{SITE}/i/real.jpg" alt="{alternative}">' in result.html
    assert result.losses == ()


@pytest.mark.parametrize("content", ["text", "<img src=/b.jpg>", "<p>a</p>"])
def test_a_background_behind_something_is_noted(content: str) -> None:
    """A feed can't show one thing behind another."""
    result = cleaned(f'<div style="{BACKGROUND}">{content}</div>')
    assert "real.jpg" not in result.html
    assert [loss.kind.name for loss in result.losses] == ["BACKGROUND"]
    assert cleaned('<div style="background: url(data:image/png;base64,A)">a</div>').losses == ()
    assert cleaned("<div style='background: red' data-background='#fff'>a</div>").losses == ()


WITHOUT_ADDRESS = [
    '<img src="ftp://e.com/a.jpg" alt="A &amp; B">',
    '<img src="cid:1" alt="A &amp; B">',
    '<img src="javascript:x" alt="A &amp; B">',
    f'<img src="{PIXEL}" alt="A &amp; B">',
    '<img src="" alt=" A &amp; B ">',
    '<img alt="A &amp; B" data-alt="a.jpg">',
    '<picture><source src=/a><img alt="A &amp; B"></picture>',
]


@pytest.mark.parametrize("html", WITHOUT_ADDRESS)
def test_the_alternative_text_stays(html: str) -> None:
    """Where a picture has no address that readers can use, as in a browser."""
    assert "A &amp; B" in cleaned(html).html
    assert "<img" not in cleaned(html).html
    assert kinds(html) == [("PICTURE", 1)]


def test_the_alternative_text_of_any_picture_stays() -> None:
    """Also where nothing else in the post is replaced, and nothing is known of the picture."""
    assert cleaned('a <img src="http://e.com:x/" alt="B &lt;">').html == "a B &lt;"
    assert cleaned('<noscript><img src="/i/real.jpg" alt="A"></noscript><img src="" alt="A">') == (
        f'<img src="{SITE}/i/real.jpg" alt="A">',
        False,
        (),
    )


YOUTUBE = f'<iframe src="https://www.youtube.com/embed/abc"{BOXED}></iframe>'
CUSTOM = [
    ('<lite-youtube videoid="abc" style="background-image: url(/a.jpg)"></lite-youtube>', YOUTUBE),
    ('<lite-youtube videoid="abc" />rest', f"{YOUTUBE}rest"),
    ('<amp-youtube data-videoid="abc" width="1" layout="responsive"></amp-youtube>', None),
    (
        '<lite-vimeo videoid="1"><a href="/v">Watch</a></lite-vimeo>',
        f'<iframe src="https://player.vimeo.com/video/1"{BOXED}></iframe><a href="{SITE}/v">'
        "Watch</a>",
    ),
    (f'<amp-img src="/i/real.jpg">{TWIN}</amp-img>', REAL),
    (
        '<amp-video src="/a.mp4"><source src="/a.webm"></amp-video>',
        f'<video src="{SITE}/a.mp4" controls=""><source src="{SITE}/a.webm"></video>',
    ),
    (
        '<model-viewer src="/a.glb" alt="Chair"></model-viewer>',
        f'<a href="{SITE}/a.glb">Chair</a>',
    ),
    ('<my-image src="/i/real.jpg"></my-image>', f'<img src="{SITE}/i/real.jpg" alt="">'),
    ("<my-card><p>a</p></my-card>", "<p>a</p>"),
    ('<my-card src="/a"><p>a</p></my-card>', "<p>a</p>"),
    ('<My-Card src="/a" />b', f'<a href="{SITE}/a">{SITE}/a</a>b'),
    ('<ion-icon name="x" aria-hidden="true"></ion-icon>', ""),
    ('<portal src="/a"></portal>', f'<a href="{SITE}/a">{SITE}/a</a>'),
    ("<xmp><b>a</b>&amp;</xmp>b", "<pre>&lt;b&gt;a&lt;/b&gt;&amp;amp;</pre>b"),
    ("<plaintext><b>a", "&lt;b&gt;a"),
    ("<listing>\na\n b</listing>", "<pre>a\n b</pre>"),
    ("<noembed>a <b>b</b></noembed><noframes>c</noframes>", "a <b>b</b>c"),
    ("<input type=image alt=Go><input type=submit value=Send><button>C</button>", "Go Send C"),
    (
        '<mjx-container jax="SVG"><svg><g><title>x</title></g></svg><mjx-assistive-mml><math>'
        "<mi>x</mi></math></mjx-assistive-mml></mjx-container>",
        "<math><mi>x</mi></math>",
    ),
    (f"<script>draw()</script>\n{TWIN}", f"\n{REAL}"),
]


@pytest.mark.parametrize(("html", "expected"), CUSTOM)
def test_other_elements_are_replaced(html: str, expected: str | None) -> None:
    """Custom ones, those of AMP and those that HTML no longer has. Nothing is lost."""
    result = cleaned(html)
    assert result.losses == ()
    assert result.html == expected or expected is None
    assert result.html.startswith("<iframe") or expected is not None


@pytest.mark.parametrize(
    "tag", ["<A-b>", "</a-b>", "<a-b/>", '<a-b c="d">', "<noembed>", "<frame>"]
)
def test_a_tag_in_a_text_is_unchanged(tag: str) -> None:
    """In the value of an attribute, and where a browser shows tags as text."""
    text = tag.replace("<", "&lt;").replace(">", "&gt;")
    assert cleaned(f"<textarea>{tag}</textarea><plaintext>{tag}").html == text * 2
    if '"' not in tag:
        assert cleaned(f'<svg></svg><p title="{tag}">').html == f'<p title="{text}"></p>'


@pytest.mark.parametrize(
    "html", ["<p data-a<b=1>x</p>", '<img a"b=/x c<d=/y.jpg><b>x</b>', "<a-b c<d=/y>x</a-b>"]
)
def test_odd_names_of_attributes(html: str) -> None:
    """A parser allows < and quotes in them."""
    assert cleaned(html).html.endswith(("x</p>", "x</b>", "x"))
