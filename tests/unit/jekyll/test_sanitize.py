import re
import threading
from html.parser import HTMLParser
from time import thread_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syndicator.jekyll.characters import printable
from syndicator.jekyll.sanitize import DEFAULT, Policy, clean

BASE = "https://site.example/post/"
PIXELS = "data:image/png;base64," + "iVBORw0KGgo" * 30


#: The attribute that each kept frame gets.
BOXED = (
    'sandbox="allow-popups allow-popups-to-escape-sandbox allow-presentation '
    'allow-same-origin allow-scripts"'
)


def cleaned(html: str, policy: Policy | None = None) -> str:
    return clean(html, base=BASE, policy=policy or DEFAULT).html


@pytest.mark.parametrize(
    "html",
    [
        '<h2 id="one">One</h2>',
        '<table><tbody><tr><th scope="col" colspan="2">a</th><td rowspan="2" align="right">'
        "b</td></tr></tbody></table>",
        "<dl><dt>term</dt><dd>meaning</dd></dl>",
        '<figure><img src="https://x.example/a.png" alt="A" width="10" height="20"><figcaption>'
        "c</figcaption></figure>",
        '<picture><source srcset="https://x.example/a.webp 2x" media="print"><img '
        'src="https://x.example/a.png"></picture>',
        '<audio src="https://x.example/a.mp3" controls=""></audio>',
        '<video poster="https://x.example/p" controls=""><source src="https://x.example/a.mp4">'
        '<track src="https://x.example/t">fallback</video>',
        '<details open=""><summary>s</summary>d</details>',
        '<pre class="highlight"><code class="language-c++"><span class="kd">x</span></code></pre>',
        '<div class="language-ruby highlighter-rouge"><div class="highlight">x</div></div>',
        '<ruby lang="ja">漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>',
        '<abbr title="HyperText">HTML</abbr> <del datetime="2026-01-01">a</del><ins '
        'cite="https://x.example/">b</ins>',
        "E = mc<sup>2</sup>, H<sub>2</sub>O, $$\\frac{a}{b} &lt; c$$, <kbd>k</kbd> <mark>"
        'm</mark> <q cite="https://x.example/">q</q>',
        '<ol start="3" type="a" reversed=""><li value="7">x</li></ol>',
        '<p dir="rtl" lang="he">x</p><bdo dir="ltr">x</bdo><time datetime="2026-01-01">t</time>',
        '<div class="footnotes"><p id="fn:1"><a href="https://x.example/#a" '
        'class="reversefootnote">↩</a></p></div>',
        '<input type="checkbox" class="task-list-item-checkbox" checked="" disabled="">',
        f'<iframe src="https://www.youtube.com/embed/x" width="560" height="315" '
        f'allowfullscreen="" {BOXED}></iframe>',
        '<a href="mailto:a@b.example">m</a><a href="tel:+1-2">t</a><a '
        'href="ircs://irc.example/#chan">c</a>',
        '<a href="xmpp:a@b.example">x</a><a href="geo:52.5,13.4">g</a><a '
        'href="webcal://x.example/c.ics">w</a>',
        '<a href="ftp://x.example/a">f</a><a href="news:a.b">n</a><a href="sms:+12">s</a><a '
        'href="irc://x.example/a">i</a>',
        f'<img src="{PIXELS}" alt="plot">',
        "<section><article><aside>x</aside></article></section><hr>",
    ],
)
def test_content_is_kept(html: str) -> None:
    """Character for character, except for the order of attributes."""
    assert attributes_sorted(html) == attributes_sorted(cleaned(html))


def attributes_sorted(html: str) -> str:
    return re.sub(
        r'<(\w+)((?: [\w-]+="[^"]*")*)>',
        lambda tag: f"<{tag[1]} {sorted(tag[2].split(chr(34) + ' '))}>".replace('"', ""),
        html,
    )


@pytest.mark.parametrize(
    "html",
    [
        "<script>code</script>",
        "<style>p { color: red }</style>",
        "<template><b>text</b></template>",
        "<object><param name=a></object><embed>",
        "<svg><path/><style>x</style></svg>",
        '<iframe srcdoc="x"></iframe><iframe>x</iframe>',
        "<input><input type=text value=x><input type=image src=/x>",
        "<dialog>text</dialog><title>text</title>",
        "<!-- text --><!doctype html><meta http-equiv=refresh content=0><link rel=stylesheet "
        "href=/x><base href=/x>",
        '<img src="data:image/gif;base64,R0lGOD"><img src="javascript:x"><source><track>',
        "<video><source src='javascript:x'></video>".replace("<video>", "").replace("</video>", ""),
    ],
)
def test_elements_are_removed_with_their_content(html: str) -> None:
    """No label without its field, no code as text, no empty frame."""
    assert cleaned(html).strip() == ""


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p onclick=x style='color:red' data-x=1 srcdoc=x>a</p>", "<p>a</p>"),
        (
            '<a href="/x" target="_blank" rel="nofollow" ping="/p" download>a</a>',
            '<a href="https://site.example/x">a</a>',
        ),
        ('<a href="javascript:x">a</a>', "<a>a</a>"),
        ('<a href="java&#10;script:x">a</a>', "<a>a</a>"),
        ('<a href="&#1;javascript&colon;x">a</a>', "<a>a</a>"),
        ('<a href="data:text/html,x">a</a>', "<a>a</a>"),
        ('<img src="data:image/svg+xml;base64,' + "A" * 300 + '">', ""),
        (f'<a href="{PIXELS}">a</a>', "<a>a</a>"),
        ("<font color=red>a</font><canvas>b</canvas><blink>c</blink>", "abc"),
        (
            '<video autoplay src="a.mp4"></video>',
            '<video src="https://site.example/post/a.mp4" controls=""></video>',
        ),
        (
            '<blockquote cite="../x">a</blockquote>',
            '<blockquote cite="https://site.example/x">a</blockquote>',
        ),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        (
            "<math><mi>x</mi><annotation>x</annotation></math><span>x</span> $$x$$",
            "<math><mi>x</mi></math><span>x</span> $$x$$",
        ),
        ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
    ],
)
def test_attributes_are_removed(html: str, expected: str) -> None:
    """Handlers, styles and unknown attributes are removed; the text in the elements stays."""
    assert expected == cleaned(html)


def test_noscript_content_is_kept() -> None:
    """A lazy picture without an address is removed; the one in its noscript stays, once."""
    lazy = '<img class="lazy" data-src="/a.jpg" src="data:image/gif;base64,R0lGOD">'
    html = lazy + '<noscript><img src="/a.jpg" alt="A"></noscript>'
    assert cleaned(html) == '<img src="https://site.example/a.jpg" alt="A">'
    assert (
        cleaned("<noscript><pre>code &lt;b&gt;</pre></noscript><script src=gist></script>")
        == "<pre>code &lt;b&gt;</pre>"
    )


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ("highlight", "highlight"),
        ("language-c# highlighter-rouge", "language-c# highlighter-rouge"),
        ("nb s2 err", "nb s2 err"),
        ("modal fixed-top overlay btn-primary", None),
        ("highlight evil", "highlight"),
        ("footnotes task-list-item", "footnotes task-list-item"),
    ],
)
def test_only_known_classes_are_kept(names: str, kept: str | None) -> None:
    """Others could match the style sheet of the page that a reader shows it in."""
    assert cleaned(f'<span class="{names}">x</span>') == (
        f'<span class="{kept}">x</span>' if kept else "<span>x</span>"
    )


def test_policy() -> None:
    """Frames of allowed hosts and links of allowed schemes stay; code never does."""
    policy = Policy(
        frame_hosts=frozenset({"video.example"}),
        link_schemes=frozenset({"https", "xmpp", "javascript", "data"}),
    )
    assert "<iframe" in cleaned('<iframe src="https://video.example/x"></iframe>', policy)
    assert "<iframe" not in cleaned(
        '<iframe src="https://www.youtube.com/embed/x"></iframe>', policy
    )
    assert cleaned('<a href="xmpp:a@b">x</a>', policy) == '<a href="xmpp:a@b">x</a>'
    assert (
        cleaned('<a href="javascript:x">a</a><a href="data:text/html,x">b</a>', policy)
        == "<a>a</a><a>b</a>"
    )
    assert cleaned('<a href="mailto:a@b">x</a>', policy) == "<a>x</a>"


@pytest.mark.parametrize(
    "html", ["a\x00b\x07c", "a&#7;b&#x1f;c", "a\ufffeb&#xffff;c", "a\ud800b\udfffc"]
)
def test_no_character_that_xml_forbids_is_left(html: str) -> None:
    """Neither as it is nor as a reference that becomes one by parsing (XML 1.0 §2.2)."""
    result = cleaned(f'<p title="{html}">{html}</p>')
    assert result == printable(result)
    assert "c</p>" in result


HOSTILE = [
    "<svg><p><style><img src=x onerror=alert(1)></style></svg>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 '
    'onerror=alert(1)&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<title><a title="</title><img src=x onerror=alert(1)>">',
    '<textarea><a title="</textarea><img src=x onerror=alert(1)>">',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<math><annotation-xml encoding="text/html"><style><img src=x onerror=alert(1)></style>'
    "</annotation-xml></math>",
    '<svg><foreignObject><iframe srcdoc="<script>alert(1)</script>"></foreignObject></svg>',
    '<iframe src="https://www.youtube.com/x"><img src=x onerror=alert(1)></iframe>',
    "<scr<noscript>ipt>alert(1)</scr</noscript>ipt>",
    "<no<noscript>script><img src=x onerror=alert(1)>",
    '<xmp><p title="</xmp><img src=x onerror=alert(1)>">',
    '<img src="x` `<script>alert(1)</script>"` `>',
    '<a href="https://x.example/&quot;onmouseover=&quot;alert(1)">x</a>',
    "<img src=x:x onerror=alert(1)//",
    '<img """><script>alert(1)</script>">',
    "<plaintext><script>alert(1)</script>",
    "<svg/onload=alert(1)><svg onload=alert(1)//",
    '<a href="jAvAsCrIpT:alert(1)">x</a><a href="\x0bjavascript:alert(1)">x</a><area '
    'href="javascript:alert(1)">',
    '<video poster="javascript:alert(1)" src="vbscript:x"><source srcset="javascript:alert(1)">'
    "</video>",
    '<input type="checkbox" onfocus=alert(1) autofocus name=x formaction="javascript:alert(1)">',
    '<div style="background:url(javascript:alert(1))"><p class="a\'onclick=alert(1)">x</p></div>',
]


class Danger(HTMLParser):
    """The dangerous elements and attributes that a reader's parser would see in the result."""

    def __init__(self) -> None:
        super().__init__()
        self.dangers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {
            "script",
            "style",
            "svg",
            "mglyph",
            "maction",
            "annotation-xml",
            "form",
            "object",
            "embed",
            "template",
            "noscript",
            "textarea",
        }:
            self.dangers.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {
                "style",
                "srcdoc",
                "formaction",
                "action",
                "target",
            }:
                self.dangers.append(name)
            if re.match(r"[\x00-\x20]*(java|vb)script:", value or "", re.IGNORECASE):
                self.dangers.append(f"{name}={value}")


def dangers(html: str) -> list[str]:
    parser = Danger()
    parser.feed(html)
    parser.close()
    return parser.dangers


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_runs(html: str) -> None:
    """Also after another parser has read the result. Sanitising again changes nothing."""
    once = cleaned(html)
    assert dangers(once) == []
    assert once == cleaned(once)


PIECES = [
    "<svg>",
    "</svg>",
    "<math>",
    "<style>",
    "</style>",
    "<noscript>",
    "</noscript>",
    "<p>",
    "<img src=x onerror=y>",
]
PIECES += [
    '<a title="',
    '">',
    "<!--",
    "-->",
    "<iframe>",
    "</iframe>",
    "<table>",
    "<td>",
    "<select>",
    "<form>",
    "x",
    "&lt;",
    "<math><mi>",
    "<mtext>",
    "<mglyph>",
    "<annotation-xml>",
    "<svg><title>",
    "</title>",
    "<object data=/x>",
    "</object>",
    "<embed src=/x>",
    "<div class=mermaid>",
    "<p hidden>",
    "</p>",
    "<img data-src=/x.png>",
    "<picture><source data-srcset=/x.webp>",
    "</picture>",
    '<iframe src="/x" title="<b>">',
    '<span style="text-align:left;x" align=right>',
    '<td style="text-align: right" align="left">',
    "<button>",
    "<textarea>",
    '<span class="katex-html">',
    "<pre>\n",
]


@settings(max_examples=150)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=25).map("".join))
@example("</svg>\ufeff\ufeff")
def test_any_mixture_is_safe(html: str) -> None:
    """Sanitising is idempotent: HTML that changes when parsed again could become code."""
    once = cleaned(html)
    assert dangers(once) == []
    assert once == cleaned(once)
    assert once == printable(once)


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        '<div title="<">',
        "<b>",
        "<p><b>",
        "<ul><li>",
        "<table><tr><td>",
        "<svg><td>",
        "<div></b>",
        "<noscript",
        "<iframe ",
    ],
)
def test_deep_nesting_is_flattened(piece: str) -> None:
    """10,000 levels, which would take minutes. Their text stays."""
    begun = thread_time()
    result = cleaned(piece * 20_000 + "end")
    assert thread_time() - begun < 5
    assert deepest(result) <= 4 * 200


def deepest(html: str) -> int:
    depth = most = 0
    for tag in re.findall(r"<(/?)(?!img|br|wbr|hr|input)[a-z]", html):
        depth += -1 if tag else 1
        most = max(most, depth)
    return most


@pytest.mark.parametrize(
    "piece", ["<div title='>y</div>'>", "<div><!-- </div> -->", "<div><script></div></script>"]
)
def test_depth_cannot_be_hidden(piece: str) -> None:
    """Thousands of tags whose end is unclear are escaped."""
    begun = thread_time()
    result = cleaned(piece * 20_000)
    assert thread_time() - begun < 5
    assert deepest(result) <= 5_000


def test_deep_text_stays() -> None:
    """Only tags are lost there."""
    assert (
        cleaned("<div>" * 10_000 + "deep" + "</div>" * 10_000 + "<p>after</p>").count("deep") == 1
    )
    assert "<p>after</p>" in cleaned("<div>" * 10_000 + "deep" + "</div>" * 10_000 + "<p>after</p>")


def test_threads_do_not_mix_up_their_pages() -> None:
    """One cleaner serves all threads; each address is relative to its own page."""
    mixed_up: list[str] = []

    def work(number: int) -> None:
        base = f"https://site.example/{number}/"
        for _ in range(50):
            if clean('<a href="x">a</a>' * 20, base=base).html != f'<a href="{base}x">a</a>' * 20:
                mixed_up.append(base)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mixed_up == []


def test_invisible_characters_are_removed() -> None:
    """Controls and noncharacters, also as references; &#147; becomes the quote it shows."""
    assert cleaned("<p>a\x93b\x7f\ufdd0\U0001ffffc&#7;&#x1fffe;d</p>") == "<p>abcd</p>"
    assert cleaned("<p>é\u00a0\ufffd😀&#147;</p>") == "<p>é&nbsp;\ufffd😀“</p>"


PLAYERS = [
    "https://www.youtube.com/embed/x?start=3",
    "https://www.youtube-nocookie.com/embed/videoseries?list=x",
    "https://player.vimeo.com/video/1?h=2#t=3",
    "https://www.dailymotion.com/embed/video/x",
    "https://geo.dailymotion.com/player.html?video=x",
    "https://geo.dailymotion.com/player/x1.html?video=x",
    "https://player.twitch.tv/?channel=x&amp;parent=y",
    "https://clips.twitch.tv/embed?clip=x",
    "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/1",
    "https://open.spotify.com/embed/episode/1",
    "https://bandcamp.com/EmbeddedPlayer/album=1/size=large/",
    "https://embed.podcasts.apple.com/us/podcast/x/id1",
    "https://archive.org/embed/x",
    "https://media.ccc.de/v/38c3-x/oembed",
    "https://embed.ted.com/talks/x",
]

STRANGERS = [
    "https://archive.org/download/x/evil.html",
    "https://archive.org/",
    "https://archive.org/embedded/x",
    "https://archive.org/Embed/x",
    "https://archive.org//embed/x",
    "https://archive.org/embed//x",
    "https://archive.org/embed/../download/x",
    "https://archive.org/embed/./x",
    "https://archive.org/embed/%2e%2e/download/x",
    "https://archive.org/embed/.%2E/download/x",
    "https://archive.org/embed/%252e%252e/download/x",
    "https://archive.org/embed/..%2fdownload/x",
    "https://archive.org/embed/x%5c..%5c..%5cdownload",
    "https://archive.org/embed\\..\\download\\x",
    "https://archive.org/download/x?/embed/",
    "https://archive.org/download/x#/embed/",
    "https://archive.org:8443/embed/x",
    "https://archive.org./embed/x",
    "https://user@archive.org/embed/x",
    "https://archive.org@evil.example/embed/x",
    "https://archive.org.evil.example/embed/x",
    "https://evil.example/archive.org/embed/x",
    "http://archive.org/download/x",
    "https://media.ccc.de/v/x",
    "https://media.ccc.de/v//oembed",
    "https://media.ccc.de/v/x/y/oembed",
    "https://open.spotify.com/user/x",
    "https://www.youtube.com/redirect?q=https://evil.example/",
]


@pytest.mark.parametrize("address", PLAYERS)
def test_players_are_sandboxed(address: str) -> None:
    """A frame of a known player stays, with the same sandbox whatever its author wrote."""
    frame = f'<iframe src="{address}" sandbox="allow-top-navigation"></iframe>'
    assert cleaned(frame) == f'<iframe src="{address}" {BOXED}></iframe>'


@pytest.mark.parametrize("address", STRANGERS)
def test_lookalike_players_are_not_framed(address: str) -> None:
    """Another path, a step out of the folder, another port, user or scheme."""
    assert "<iframe" not in cleaned(f'<iframe src="{address}"></iframe>')


def test_a_player_may_have_a_folder() -> None:
    """A host with a folder excludes its other paths; a host alone allows all of them."""
    folder = Policy(frame_hosts=frozenset({"video.example/embed"}))
    assert "<iframe" in cleaned('<iframe src="https://video.example/embed/x"></iframe>', folder)
    for path in ("embed/../x", "x"):
        frame = f'<iframe src="https://video.example/{path}"></iframe>'
        assert "<iframe" not in cleaned(frame, folder)
    alone = Policy(frame_hosts=frozenset({"archive.org"}))
    assert "<iframe" in cleaned('<iframe src="https://archive.org/download/x"></iframe>', alone)


def test_addresses_are_limited() -> None:
    """A long page address is repeated in each link, up to a few megabytes."""
    base = f"https://e.example/{'a' * 60_000}/x"
    html = clean('<a href="b">c</a>' * 10_000, base=base).html
    assert len(html) < 5_000_000
    assert html.count("<a") == 10_000


def test_tables_without_end_tags_are_kept() -> None:
    """HTML allows it (§13.1.2.4); a few such tags are cheap, however long the page is."""
    page = "<p><b>x</b></p>" * 6000 + "<table><tr><td>a<td>b<tr><td>c<td>d</table>"
    result = cleaned(page)
    assert (result.count("<td>"), result.count("<b>"), "&lt;" in result) == (4, 6000, False)
    rows = "<table>" + "<tr><td>a<td>b" * 2200 + "</table>"
    assert cleaned(rows).count("<td>") == 4400


def test_escaping_is_reported() -> None:
    """So that its author can fix it."""
    unclear = clean("<div><!-- </div> -->" * 20_000, base="https://example.com/")
    clear = clean("<b>x</b>" * 9000, base="https://example.com/")
    assert (unclear.escaped, clear.escaped) == (True, False)


def test_formatting_of_a_long_page_is_kept() -> None:
    """Closed elements, some of them around blocks, and a few that were never closed."""
    line = (
        "<p>a <b>b <i>c</i></b> <a href=x><em>d</em></a> <code><span class=k>e</span></code></p>"
        "<ul><li><strong>f</strong></ul>"
    )
    page = line * 5_000 + "<a href=y><div>g</div></a>" * 300 + "<p><b>h" * 20
    result = clean(page, base="https://example.com/")
    assert not result.escaped
    assert result.html.count("<em>") == 5_000


def test_formatting_that_repeats_itself_is_escaped() -> None:
    """Two hundred elements that stay open are written again in each paragraph."""
    page = "<p>" + "".join(f"<b id=x{number}>" for number in range(200)) + "<p>text" * 10_000
    result = clean(page, base="https://example.com/")
    assert result.escaped
    assert len(result.html) < 3 * len(page)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<pre>\nx</pre>", "<pre>x</pre>"),
        ("<pre>\n\nx</pre>", "<pre>\n\nx</pre>"),
        ('<pre class="a">\n\n\nx</pre>', '<pre class="a">\n\n\nx</pre>'),
        ("<pre></a>\nx<svg></svg></pre>", "<pre>\n\nx</pre>"),
    ],
)
def test_an_empty_first_line_of_preformatted_text_stays(html: str, expected: str) -> None:
    """Also when the result is parsed again."""
    made = clean(html, base="https://e.com/x").html
    assert made == expected
    assert clean(made, base="https://e.com/x").html == made
