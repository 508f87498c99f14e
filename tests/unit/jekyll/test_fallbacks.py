"""What a feed can't show: a link, the fallback or the text stands for it, and a note says so."""

from time import thread_time

import pytest
from rendering import entry, post_of, rendering

from syndicator.jekyll.fallbacks.losses import Loss, LossKind, notes
from syndicator.jekyll.sanitize import Cleaned, Policy, clean

BASE = "https://site.example/post/"
SITE = "https://site.example"
BOXED = (
    ' sandbox="allow-popups allow-popups-to-escape-sandbox allow-presentation'
    ' allow-same-origin allow-scripts"'
)


def cleaned(html: str, policy: Policy | None = None) -> Cleaned:
    return clean(html, base=BASE, policy=policy) if policy else clean(html, base=BASE)


def kinds(html: str) -> list[tuple[str, int]]:
    return [(loss.kind.name, loss.number) for loss in cleaned(html).losses]


PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
PNG = "data:image/png;base64," + "iVBORw0KGgo" * 30
REAL = f'<img src="{SITE}/i/real.jpg">'
LAZY = [
    ('<img src="/i/loading.gif" data-src="/i/real.jpg">', REAL),
    ('<img data-src="/i/real.jpg">', REAL),
    (f'<img src="{PIXEL}" data-lazy-src="/i/real.jpg">', REAL),
    ('<img src="data:image/svg+xml,%3Csvg%3E" data-original="../i/real.jpg">', REAL),
    ('<img data-echo="/i/real.jpg">', REAL),
    (f'<img src="{PIXEL}" data-orig-file="/i/real.jpg">', REAL),
    ('<img src="/i/real.jpg" data-orig-file="/i/huge.jpg">', REAL),
    ('<img src="/i/real.jpg" data-lazy="true" data-src="">', REAL),
    ('<img src="/i/real.jpg" data-lazy-ratio="1.5" lazy-type="image/jpeg">', REAL),
    (
        '<img data-srcset="/a-400.jpg 400w, /a-800.jpg 800w, /a-600.jpg 600w">',
        f'<img srcset="{SITE}/a-400.jpg 400w, {SITE}/a-800.jpg 800w, {SITE}/a-600.jpg 600w"'
        f' src="{SITE}/a-800.jpg">',
    ),
    (
        '<img src="/loading.gif" data-srcset="/a.jpg, /b.jpg 2x">',
        f'<img src="{SITE}/b.jpg" srcset="{SITE}/a.jpg, {SITE}/b.jpg 2x">',
    ),
    (
        '<picture><source data-srcset="/a.webp 2x"><img data-src="/a.jpg"></picture>',
        f'<picture><source srcset="{SITE}/a.webp 2x"><img src="{SITE}/a.jpg"></picture>',
    ),
    (
        '<video data-poster="/p.png"><source data-src="/a.mp4"></video>',
        f'<video poster="{SITE}/p.png" controls=""><source src="{SITE}/a.mp4"></video>',
    ),
    (
        '<iframe data-src="https://www.youtube.com/embed/abc"></iframe>',
        f'<iframe src="https://www.youtube.com/embed/abc"{BOXED}></iframe>',
    ),
    ('<img data-flickity-lazyload="/i/real.jpg">', REAL),
    ('<img src="/i/loading.gif" data-flickity-lazyload="/i/real.jpg">', REAL),
    (f'<img src="{PIXEL}" data-hi-res-src="/i/real.jpg">', REAL),
    ('<img src="/i/real.jpg" data-hi-res-src="/i/huge.jpg" data-zoom-src="/i/x.jpg">', REAL),
    ('<img src="" data-zoom-src="/i/real.jpg">', REAL),
    ('<img data-thumb="/i/small.jpg" data-any="/i/real.jpg">', REAL),
    ('<img lazy-src="/i/real.jpg">', REAL),
    ('<img _src="/i/real.jpg" data-caption="/i/other.jpg">', REAL),
    ('<img data-hi-res-src="/i/real">', f'<img src="{SITE}/i/real">'),
    (f'<img src="{PNG}" data-full="/i/real.jpg">', REAL),
    (f'<img src="{PNG}" data-page-url="/i/real">', f'<img src="{PNG}">'),
    (
        '<img data-flickity-lazyload-srcset="/a.jpg 1x">',
        f'<img srcset="{SITE}/a.jpg 1x" src="{SITE}/a.jpg">',
    ),
    (
        '<picture data-iesrc="/i/real.jpg"><source srcset="/a.webp"></picture>',
        f'{REAL[:-1]} alt="">',
    ),
    ('<div data-bg="/i/real.jpg"></div>', f'<div>{REAL[:-1]} alt=""></div>'),
    ('<div data-background-image="url(/i/real.jpg)"> </div>', f'<div>{REAL[:-1]} alt=""> </div>'),
]


@pytest.mark.parametrize(("html", "expected"), LAZY)
def test_a_lazy_picture_has_its_real_address(html: str, expected: str) -> None:
    """That which a script of the page would set, whichever attribute holds it. Nothing is lost."""
    result = cleaned(html)
    assert result.losses == ()
    assert sorted(result.html.split()) == sorted(expected.split())


TWIN = '<noscript><img src="/i/real.jpg"></noscript>'
TWINS = [
    f'<img class="lazy" data-src="/i/real.jpg">{TWIN}',
    f'<img data-src="/i/small.jpg">\n{TWIN}',
    f'{TWIN}<img data-src="{SITE}/i/small.jpg">',
    f'{TWIN}<p></p><img data-src="/i/real.jpg">',
    f'<img data-src="/i/real.jpg"><p></p>{TWIN}',
    f'<picture><source data-srcset="/i/real.webp"><img data-src="/i/x.jpg"></picture>{TWIN}',
    f'<img src="{PIXEL}">{TWIN}',
    f'<img src="/i/real.jpg" loading="lazy">{TWIN}',
    TWIN,
]


@pytest.mark.parametrize("html", TWINS)
def test_a_noscript_twin_does_not_double_it(html: str) -> None:
    """The twin is the one that its author wrote for readers without scripts."""
    assert cleaned(html).html.replace("<p></p>", "").strip() == REAL


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<picture><source srcset=/a><svg></svg></picture>x", "x"),
        (
            "<picture><source srcset=/a>x <svg></svg><p>y</p>",
            f'<picture><source srcset="{SITE}/a">x <p>y</p></picture>',
        ),
        (
            '<picture><source srcset=/a><img src="file:///x" alt="A chart"></picture>',
            f'<picture><source srcset="{SITE}/a">A chart</picture>',
        ),
    ],
)
def test_the_text_in_a_picture_stays(html: str, expected: str) -> None:
    """It may be the rest of the post, if the picture is not closed."""
    assert cleaned(html).html == expected


def test_two_lazy_pictures_in_a_row_both_stay() -> None:
    """Each with a twin of its own."""
    html = "".join(
        f'<img data-src="/{n}.jpg"><noscript><img src="/{n}.jpg"></noscript>' for n in (1, 2)
    )
    assert cleaned(html).html == f'<img src="{SITE}/1.jpg"><img src="{SITE}/2.jpg">'
    assert cleaned('<img data-src="/1.jpg"><img data-src="/1.jpg">').html.count("<img") == 2


@pytest.mark.parametrize(
    "address",
    ["www.youtube.com/embed/a", "player.vimeo.com/video/1", "www.youtube-nocookie.com/embed/a?b=c"],
)
def test_a_player_is_framed_over_https(address: str) -> None:
    """Written as http, without a scheme, or as https."""
    frame = f'<iframe src="https://{address}"{BOXED}></iframe>'
    for scheme in ("http:", "https:", ""):
        result = cleaned(f'<iframe src="{scheme}//{address}"></iframe>')
        assert result == (frame, False, ())
    assert cleaned(f'<object data="https://{address}"></object>').html == frame


def test_another_frame_becomes_a_link() -> None:
    """Its title is the link's text, else its address. One note names the hosts and the setting."""
    body = (
        '\n\n<iframe src="https://codepen.io/u/embed/x" title="Pen & <b>"></iframe>\n\n'
        '<iframe src="/demo"></iframe>\n<iframe src="https://codepen.io/2">x</iframe>\n'
    )
    result = rendering(f"text{body}")
    assert result.entry is not None
    assert '<a href="https://codepen.io/u/embed/x">Pen &amp; &lt;b&gt;</a>' in result.entry.content
    assert '<a href="https://e.com/demo">https://e.com/demo</a>' in result.entry.content
    (note,) = result.problems
    assert (note.note, note.line, note.message) == (
        True,
        7,
        "3 frames became links (codepen.io, e.com)",
    )
    assert "feeds.players" in str(note.hint)


FALLBACKS = [
    (
        '<object data="/i/d.svg"><img src="/i/d.png" alt="diagram"></object>',
        f'<img src="{SITE}/i/d.png" alt="diagram">',
    ),
    (
        '<object data="/i/d.svg" type="image/svg+xml"></object>',
        f'<img src="{SITE}/i/d.svg" alt="">',
    ),
    ('<object data="/a.pdf"></object>', f'<a href="{SITE}/a.pdf">{SITE}/a.pdf</a>'),
    (
        '<object data="/a.pdf" title="Paper">No <b>plug-in</b>.</object>',
        f'<a href="{SITE}/a.pdf">Paper</a> No <b>plug-in</b>.',
    ),
    (
        '<object data="/a.pdf">Get <a href="/a.pdf">it</a></object>',
        f'Get <a href="{SITE}/a.pdf">it</a>',
    ),
    (
        '<object><param name="a" value="b"><embed src="/a.swf"></object>',
        f'<a href="{SITE}/a.swf">{SITE}/a.swf</a>',
    ),
    ('<embed src="/a.pdf">', f'<a href="{SITE}/a.pdf">{SITE}/a.pdf</a>'),
    ("<button>THIS POST IS OUTDATED</button>", "THIS POST IS OUTDATED"),
    ("<form><label>Name</label></form>", "<div>Name</div>"),
    (
        "<fieldset><legend>L</legend><button>A</button><button>B</button>c</fieldset>",
        "<div><p>L</p>A B c</div>",
    ),
    ("<dialog open>Hello</dialog>", "<div>Hello</div>"),
    ("<canvas>A chart of <b>x</b></canvas>", "A chart of <b>x</b>"),
    ('<div class="mermaid">\nA-->B;\n  B-->C[a<br>b]\n</div>', None),
    ('<p hidden="until-found">x</p>', "<p>x</p>"),
    ('<svg aria-hidden="true"><path d=""/></svg>', ""),
    (
        '<script src="https://gist.github.com/octocat/1234567.js"></script>',
        '<a href="https://gist.github.com/octocat/1234567">gist octocat/1234567</a>',
    ),
    (
        "<script src='//gist.github.com/octocat/1.js?file=Test%20a.rb'></script>",
        '<a href="https://gist.github.com/octocat/1#file-test-a-rb">Test a.rb (gist octocat/1)</a>',
    ),
    ('<blockquote>A</blockquote><script src="//platform.twitter.com/widgets.js"></script>', None),
]


@pytest.mark.parametrize(("html", "expected"), FALLBACKS)
def test_a_fallback_loses_nothing(html: str, expected: str | None) -> None:
    """Therefore there is no note."""
    result = cleaned(html)
    assert result.losses == ()
    if expected is not None:
        assert result.html == expected


LOST = [
    (
        '<figure><svg viewBox="0"><title>Chart</title><g><text>1</text></g></svg>'
        "<figcaption>Sales</figcaption></figure>",
        "<figure>Chart<figcaption>Sales</figcaption></figure>",
        [("TITLED_DRAWING", 1)],
    ),
    ('<svg aria-label="A &amp; B"></svg>', "A &amp; B", [("TITLED_DRAWING", 1)]),
    (
        "<svg><text>1</text><g><text>2<tspan>3</tspan></text></g></svg>",
        "1 2 3",
        [("TITLED_DRAWING", 1)],
    ),
    (
        "<svg><desc>A</desc><foreignObject><div>b<p>c</p></div></foreignObject><style>x</style></svg>",
        "A b c",
        [("TITLED_DRAWING", 1)],
    ),
    ("a<svg><path/></svg>b<svg><svg></svg></svg>", "ab", [("DRAWING", 2)]),
    ("<x-chart data-id=1></x-chart><a-b><c-d></c-d></a-b>", "", [("CUSTOM", 2)]),
    ("<mjx-container><mjx-math><mjx-c></mjx-c></mjx-math></mjx-container>", "", [("CUSTOM", 1)]),
    ("<amp-iframe src=/a title=A></amp-iframe>", f'<a href="{SITE}/a">A</a>', [("FRAME", 1)]),
    ("<frameset><frame src=/a title=A></frameset>", f'<a href="{SITE}/a">A</a>', [("FRAME", 1)]),
    ("<script>a()</script><noscript> </noscript><p>b</p>", " <p>b</p>", [("SCRIPT", 1)]),
    ("<script>a()</script>b<noscript>c</noscript>", "bc", [("SCRIPT", 1)]),
    (
        '<audio src="data:audio/mp3;base64,AA"></audio>',
        '<audio controls=""></audio>',
        [("PICTURE", 1)],
    ),
    ("<iframe></iframe><iframe src='about:blank'></iframe>", "", [("FRAME_WITHOUT_ADDRESS", 2)]),
    ("<p hidden>a <b>b</b></p>c", "c", [("HIDDEN", 1)]),
    ("<p style='color:red; DISPLAY : none'>a</p><img hidden src=x>", "", [("HIDDEN", 2)]),
    ("<dialog>a</dialog>", "", [("HIDDEN", 1)]),
    ("<input name=a><input type=hidden><select><option>a</select>", "a", [("FIELD", 2)]),
    ("<canvas></canvas>", "", [("CANVAS", 1)]),
    ("<script>draw()</script>", "", [("SCRIPT", 1)]),
    ("<object></object><embed>", "", [("OBJECT", 2)]),
    ('<img src="data:image/svg+xml;base64,PHN2Zz4=" alt="A > B">', "A &gt; B", [("PICTURE", 1)]),
]


@pytest.mark.parametrize(("html", "expected", "losses"), LOST)
def test_what_is_lost_is_counted(html: str, expected: str, losses: list[tuple[str, int]]) -> None:
    """One loss of each kind, with its number."""
    assert cleaned(html).html == expected
    assert kinds(html) == losses


def test_elements_that_repeat_themselves_are_too_many() -> None:
    """Regular HTML would be a hundred times as long. The text stays."""
    html = f"<p>{''.join(f'<b id=x{n}>' for n in range(90))}{'<p>text' * 200}<svg></svg>"
    result = cleaned(html)
    assert [loss.kind for loss in result.losses] == [LossKind.UNCLOSED]
    assert result.html.count("text") == 200


@pytest.mark.parametrize("kind", LossKind)
@pytest.mark.parametrize("number", [1, 2])
def test_each_loss_is_a_note_with_a_line_and_a_hint(kind: LossKind, number: int) -> None:
    """The line of the element; the body's first if an include wrote it."""
    post = post_of("a\n\n<x>")
    (found,) = notes([Loss(kind, number, "<x>")], post)
    (elsewhere,) = notes([Loss(kind, number, "<y>")], post)
    assert (found.line, elsewhere.line) == (post.body_line + 2, post.body_line)
    assert found.note
    assert found.hint
    assert found.message.startswith(("2 ",) if number == 2 else ("a ", "an "))


def test_a_diagram_is_a_block_of_code() -> None:
    """Its lines and signs stay."""
    html = '<div class="mermaid">\ngraph TD;\n  A-->B;\n  B-->C[a<br>b]\n</div>'
    code = (
        '<pre><code class="language-mermaid">graph TD;\n  A--&gt;B;\n  B--&gt;C[a&lt;br&gt;b]\n'
        "</code></pre>"
    )
    assert entry(html).content == code


FORMULA = "<math><mi>x</mi><mo>=</mo><mn>1</mn></math>"
FORMULAS = [
    (FORMULA, FORMULA),
    (
        '<math display="block" xmlns="http://www.w3.org/1998/Math/MathML" onclick="x"><semantics>'
        '<mfrac linethickness="0" href="/x"><mi mathvariant="normal">a</mi><mtext>b</mtext></mfrac>'
        '<annotation encoding="application/x-tex">a</annotation><annotation-xml><mi>a</mi>'
        "</annotation-xml></semantics></math>",
        '<math display="block"><mfrac linethickness="0"><mi mathvariant="normal">a</mi>'
        "<mtext>b</mtext></mfrac></math>",
    ),
    (
        '<math><maction actiontype="statusline"><mi>a</mi></maction></math>',
        "<math><mi>a</mi></math>",
    ),
    (
        f'<span class="katex"><span class="katex-mathml">{FORMULA}</span><span class="katex-html"'
        ' aria-hidden="true"><span class="base">x=1</span></span></span>',
        f"<span><span>{FORMULA}</span></span>",
    ),
    (
        '<span class="katex"><span class="katex-html"><span class="base">x</span></span></span>',
        "<span><span><span>x</span></span></span>",
    ),
]


@pytest.mark.parametrize(("html", "expected"), FORMULAS)
def test_a_formula_is_kept_once(html: str, expected: str) -> None:
    """MathML that shows, without links and actions. KaTeX writes each formula twice."""
    assert cleaned(html) == (expected, False, ())


ALIGNED = [
    ('<td style="text-align: right">', '<td align="right">'),
    ('<td align="left" style="color: red; text-align:CENTER">', '<td align="center">'),
    ('<td style="text-align: url(x)">', "<td>"),
    ('<td style="text-align: left" title="style=&quot;text-align: right&quot;">', None),
]


@pytest.mark.parametrize(("cell", "expected"), ALIGNED)
def test_alignment_is_an_attribute(cell: str, expected: str | None) -> None:
    """kramdown writes a style, which few readers keep."""
    html = cleaned(f"<table><tbody><tr>{cell}a</td></tr></tbody></table>").html
    assert " style=" not in html.replace(" style=&quot;", "")
    if expected:
        assert expected in html
    else:
        assert html.count('align="left"') == 1


def test_columns_of_a_table_are_aligned() -> None:
    """In its head and its rows."""
    content = entry("| a | b |\n|:--|--:|\n| 1 | 2 |").content
    assert content.count('align="left"') == content.count('align="right"') == 2
    assert '<th align="left">a</th>' in content


def test_text_that_looks_like_a_style_is_not_changed() -> None:
    """Only tags have attributes."""
    html = '<p>a style="text-align: left" b</p><p style="text-align: left">c</p>'
    assert cleaned(html).html == '<p>a style="text-align: left" b</p><p align="left">c</p>'


def test_a_summary_has_what_the_content_shows() -> None:
    """No hidden text, no formula twice."""
    katex = FORMULAS[3][0]
    assert entry(f"<b hidden>no</b> yes {katex}").summary == "yes x=1"
    assert entry('<iframe src="/x"></iframe><iframe src="/x" title="A"></iframe>').summary == "A"
    assert entry("a <b" + "<!-- <b>" * 6_000).summary.startswith("a")


@pytest.mark.parametrize(
    ("front", "config", "is_rtl"),
    [
        ("dir: rtl", "", True),
        ("lang: he", "", True),
        ("lang: fa-IR", "", True),
        ("lang: az-Arab", "", True),
        ("lang: ar-Latn", "", False),
        ("lang: en", "lang: ar", False),
        ("", "lang: ar", True),
        ("dir: ltr", "lang: ar", False),
        ("dir: 1", "", False),
    ],
)
def test_text_from_right_to_left(front: str, config: str, is_rtl: bool) -> None:
    """A reader's page has another direction, so the content says its own."""
    content = entry("x", front, config=f"url: https://e.com\n{config}\n").content
    assert content == ('<div dir="rtl"><p>x</p></div>' if is_rtl else "<p>x</p>")
    assert entry("", front, config=f"url: https://e.com\n{config}\n").content == ""


# ------------------------------------------------------------------------------------------ links

LINK = 'a link lost its address, whose scheme is not allowed ("{}")'
CODE = 'a link lost its address, which is code, data or a local file ("{}")'


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("skype:foo?call", LINK),
        ("tg://resolve?domain=a&b=c", LINK),
        ("localhost:4000/x", LINK),
        ("OBSIDIAN://open", LINK),
        ("javascript:alert(1)", CODE),
        ("file:///home/me/x.pdf", CODE),
        ("data:text/html,x", CODE),
    ],
)
def test_the_address_of_a_link_that_is_not_allowed(address: str, message: str) -> None:
    """Its text stays, and a note says what address went, and where."""
    shown = rendering(f"one\n\n[text]({address})\n")
    assert shown.entry
    assert "<a>text</a>" in shown.entry.content
    (note,) = shown.problems
    assert (note.message, note.line, note.note) == (message.format(address), 7, True)
    assert "feeds.schemes" in str(note.hint)


def test_many_links_are_one_note() -> None:
    """It names the first of them, shortened."""
    links = "".join(f'<a href="s{number}:{"x" * 500}">y</a>\n' for number in range(90))
    (note,) = rendering(links).problems
    assert note.message.startswith("90 links lost their addresses")
    assert len(note.message) < 300


@pytest.mark.parametrize(
    "html",
    [
        '<a href="mailto:a@b.org">x</a>',
        '<a href="irc://x/y">x</a>',
        '<a href="/a:b">x</a>',
        '<a href="a&amp;b:c">x</a>',
        '<a href="javascript:void(0)">x</a>',
        '<a href="javascript:;">x</a>',
        '<a name="skype:x">x</a>',
        '<p>href="skype:x"</p>',
        '<!-- <a href="skype:x">x</a> --><a hidden="" href="/y">x</a>',
    ],
)
def test_links_that_lose_nothing(html: str) -> None:
    assert [loss for loss in cleaned(html).losses if loss.kind.name != "HIDDEN"] == []


def test_a_scheme_that_the_operator_allows() -> None:
    policy = Policy(link_schemes=frozenset({"skype", "javascript"}))
    html = '<a href="skype:x">x</a><a href="javascript:x()">y</a><a href="tg:z">z</a>'
    result = cleaned(html, policy)
    assert result.html == '<a href="skype:x">x</a><a>y</a><a>z</a>'
    assert [loss.kind.name for loss in result.losses] == ["CODE_LINK", "LINK"]


HOSTILE_LINKS = [
    '<a href="jav&#x61;script:alert(1)">x</a>',
    "<a href=' \tjavascript&colon;alert(1)'>x</a>",
    '<a href="java\nscript:alert(1)">x</a>',
    '<a href="vbscript:x" title="href=&quot;skype:y">x</a>',
    '<area href="javascript:alert(1)">',
    '<a href="skype:x"><img src="javascript:x"><iframe src="javascript:x"></iframe></a>',
    '<a href="javascript:x">y</a><object data="javascript:x"></object><embed src="javascript:x">',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<svg><a href="javascript:x">y</a></svg><math><a href="javascript:x">z</a></math>',
    '<form action="javascript:x"><a href="skype:x">y</a><button formaction="javascript:x">z',
    '<a href="tg:x" href="javascript:x" onclick="x" style="x">y</a><img srcset="javascript:x 1x">',
    '<blockquote cite="javascript:x"><video poster="javascript:x" src="javascript:y"></video>'
    '<a href="javascript:z">z</a>',
]


@pytest.mark.parametrize("html", HOSTILE_LINKS)
def test_noting_a_scheme_lets_nothing_through(html: str) -> None:
    """The pass that looks for links knows their schemes; the sanitiser behind it does not."""
    shown = cleaned(html).html.lower()
    assert not any(word in shown for word in ("script:", "data:", "onclick", "action", "style="))
    assert cleaned(shown).html == shown


@pytest.mark.parametrize(
    "unit",
    [
        '<a href="{}:x">',
        '<a href="s{}:x">y</a>',
        " href=",
        ' href="',
        " href =  ",
        '<a href="&',
        '<a href="a&colon;',
        '<a href="' + "a" * 190,
        " href=" + " " * 300_000,
        ' href="' + "a" * 300_000,
    ],
)
def test_looking_for_schemes_takes_linear_time(unit: str) -> None:
    """Whatever the number of links, and of their schemes."""
    times = 400_000 // len(unit)
    html = "".join(unit.replace("{}", str(number)) for number in range(times))
    begun = thread_time()
    assert len(cleaned(f'<a href="s:x">{html}').losses) <= 2
    assert thread_time() - begun < 5
