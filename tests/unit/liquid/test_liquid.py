"""Liquid is rendered as in Jekyll. The expected values of JEKYLL are the output of Jekyll 4.3.1."""

import pytest
from rendering import CONFIG, OTHERS, liquid

FRONT = """day: 2019-12-31
when: 2019-12-31 10:11:12 +0200
pets:
  - {name: bob, age: 4, tags: [x, y], ok: true}
  - {name: cid, age: "7", tags: y}
categories: [news, Big Day]"""
INCLUDES = {
    "_includes/i.html": (
        '[{{ include.a }}|{{ include.b | default: "none" }}|{{ include["c-d"] }}]'
        '{% assign leak = "leaked" %}'
    ),
    "_includes/outer.html": '<{% include i.html a=include.x b="in" %}{{ include.x }}>',
}

JEKYLL = [
    ('{{ "a" | append: 1 | append: nil | append: page.title }}', "a1Third"),
    ("{{ site.nested }}", '{"a"=>{"b"=>[1, 2, {"c"=>"d"}]}}'),
    (
        (
            '{{ site.list | join }} {{ site.list | sort | join: "," }} {{ site.list.first }}'
            "{{ site.list.size }}"
        ),
        "3 1 2 1,2,3 33",
    ),
    ("{{ site.list }}", "312"),
    ("{{ site.words | sort_natural | join }} {{ site.words | sort | join }}", "a b C C a b"),
    (
        (
            "{{ 7 | divided_by: 2 }} {{ 7 | divided_by: 2.0 }} {{ -7 | divided_by: 2 }} "
            "{{ 7 | modulo: -3 }}"
        ),
        "3 3.5 -4 -2",
    ),
    (
        (
            '{{ "3.5" | plus: 1 }} {{ "3 apples" | plus: 1 }} {{ "x" | times: 3 }} '
            "{{ 0.1 | plus: 0.2 }}"
        ),
        "4.5 4 0 0.3",
    ),
    (
        (
            "{{ 1.5 | round }} {{ 2.5 | round }} {{ -1.5 | round }} {{ 1.2345 | round: 2 }} "
            '{{ "2.7" | ceil }}'
        ),
        "2 3 -2 1.23 3",
    ),
    ("{{ 3.14159 | round: 999999 }}", "3.14159"),
    (
        (
            '{{ "Hello World" | truncate: 8 }} {{ "Hello" | truncate: 5 }} '
            '{{ "a b  c d" | truncatewords: 2 }}'
        ),
        "Hello... Hello a b...",
    ),
    (
        (
            '{{ "a,b,,c,," | split: "," | size }} {{ "abc" | split: "" | join: "|" }} '
            '{{ nil | split: "," | size }}'
        ),
        "4 a|b|c 0",
    ),
    (
        (
            '{{ "hello" | slice: 1 }} {{ "hello" | slice: -3, 2 }} [{{ "hello" | slice: 10 }}] '
            "{{ site.list | slice: 1, 2 | join }}"
        ),
        "e ll [] 1 2",
    ),
    ('{{ "<p>a<script>x</script><!-- c -->b < c > d" | strip_html }}', "ab  d"),
    (
        (
            '{{ "<a href=\'x\'>&amp;</a>" | escape }} {{ "&lt; < &" | escape_once }} '
            '{{ "<&>" | xml_escape }}'
        ),
        "&lt;a href=&#39;x&#39;&gt;&amp;amp;&lt;/a&gt; &lt; &lt; &amp; &lt;&amp;&gt;",
    ),
    (
        (
            '{{ "a b&c/é~*" | cgi_escape }} {{ "a b/é?x=y#z" | uri_escape }} '
            '{{ "a+b%20c" | url_decode }}'
        ),
        "a+b%26c%2F%C3%A9~%2A a%20b/%C3%A9?x=y#z a b c",
    ),
    (
        '{{ "The _config.yml file" | slugify }} {{ "The _config.yml file" | slugify: "pretty" }}',
        "the-config-yml-file the-_config.yml-file",
    ),
    (
        (
            '{{ "hello 你好世界 abc" | number_of_words }} '
            '{{ "hello 你好世界 abc" | number_of_words: "cjk" }}'
        ),
        "3 6",
    ),
    (
        (
            "{{ site.words | array_to_sentence_string }} "
            '{{ site.words | array_to_sentence_string: "or" }}'
        ),
        "b, a, and C b, a, or C",
    ),
    (
        (
            '{{ "/x y/" | relative_url }} {{ "x" | absolute_url }} '
            '{{ "http://o.org/x" | relative_url }} [{{ nil | relative_url }}]'
        ),
        "/b/x%20y/ https://e.com/b/x http://o.org/x []",
    ),
    (
        (
            '{{ "" | default: "b" }} {{ 0 | default: "b" }} '
            '{{ false | default: "b", allow_false: true }} {{ x | default: 5 }}'
        ),
        "b 0 false 5",
    ),
    (
        (
            "{{ site.list | push: 9 | join }} {{ site.list | unshift: 9 | join }} "
            "{{ site.list | pop | join }} {{ site.list | shift | join }}"
        ),
        "3 1 2 9 9 3 1 2 3 1 1 2",
    ),
    (
        "{{ \"*a* 'q'\" | markdownify }} {{ \"'q' -- ...\" | smartify }}",
        "<p><em>a</em> ‘q’</p>\n ‘q’ – …",
    ),
    (
        (
            '{{ site.nested | jsonify }} {{ nil | jsonify }} {{ "a\\"b" | jsonify }} '
            "{{ site.words | inspect }}"
        ),
        '{"a":{"b":[1,2,{"c":"d"}]}} null "a\\\\" [&quot;b&quot;, &quot;a&quot;, &quot;C&quot;]',
    ),
    (
        (
            '{{ page.day }} {{ page.day | date: "%e. %B" }} '
            '{{ page.when | date: "%F %H:%M %z" }} {{ page.when | date_to_xmlschema }}'
        ),
        "2019-12-31 31. December 2019-12-31 10:11 +0200 2019-12-31T03:11:12-05:00",
    ),
    (
        (
            '{{ page.when | date_to_string: "ordinal", "US" }} '
            "{{ page.when | date_to_long_string }} {{ page.when | date_to_rfc822 }}"
        ),
        "Dec 31st, 2019 31 December 2019 Tue, 31 Dec 2019 03:11:12 -0500",
    ),
    (
        '{{ "2016-03-04" | date: "%-d %e %j %U %W %u %C %l %P %D %^a %_m %10Y %N %s %q" }}',
        "4  4 064 09 09 5 20 12 am 03/04/16 FRI  3 0000002016 000000000 1457067600 %q",
    ),
    (
        (
            '{{ "no date" | date: "%F" }} {{ 1457923200 | date: "%F %H" }} '
            '{{ "14 Mar 2016 10:20 +0200" | date: "%T%z" }}'
        ),
        "no date 2016-03-13 22 10:20:00+0200",
    ),
    (
        (
            '{{ page.pets | where: "name", "bob" | map: "age" }} '
            '{{ page.pets | where: "tags", "y" | map: "name" }} '
            '{{ page.pets | where: "age", 7 | size }}'
        ),
        "4 bobcid 1",
    ),
    (
        (
            '{{ page.pets | where_exp: "p", "p.name contains \'b\' and p.ok" | map: "name" }} '
            '{{ page.pets | find: "name", "cid" | jsonify }}'
        ),
        'bob {"name":"cid","age":"7","tags":"y"}',
    ),
    (
        (
            '{{ page.pets | sort: "age" | map: "name" | join }} '
            '{{ page.pets | sort: "ok", "last" | map: "name" | join }}'
        ),
        "bob cid bob cid",
    ),
    (
        (
            '{% assign gs = page.pets | group_by: "ok" %}{% for g in gs %}{{ g.name }}='
            "{{ g.size }};{% endfor %}"
        ),
        "true=1;=1;",
    ),
    (
        (
            '{% assign gs = page.pets | group_by_exp: "p", "p.name | size" %}{% for g in gs %}'
            "{{ g.name }}={{ g.items | size }};{% endfor %}"
        ),
        "3=2;",
    ),
    (
        (
            '{% if site.words contains "a" %}1{% endif %}{% if "abc" contains "b" %}2{% endif %}'
            '{% if site.list contains "3" %}3{% endif %}{% if nil contains "a" %}4{% endif %}'
        ),
        "12",
    ),
    (
        (
            '{% if "" %}1{% endif %}{% if 0 %}2{% endif %}{% if "" == blank %}3{% endif %}'
            '{% if "" == empty %}4{% endif %}{% if page.no == empty %}5{% endif %}'
            '{% if "1" == 1 %}6{% endif %}{% if page.no > 0 %}7{% endif %}'
            "{% if page.no != blank %}8{% endif %}"
        ),
        "1248",
    ),
    (
        (
            "{% if true or false and false %}1{% endif %}{% if false and false or true %}2"
            "{% endif %}{% unless false %}3{% else %}4{% endunless %}"
        ),
        "13",
    ),
    ("{% case 5 %}{% when 1, 2 %}a{% when 5 or 6 %}b{% else %}c{% endcase %}", "b"),
    (
        (
            "{% for i in (1..3) %}{{ i }}{{ forloop.rindex }}{{ forloop.last }},{% endfor %}"
            "{% for i in (3..1) %}x{% else %}none{% endfor %}{% for i in site.list reversed %}"
            "{{ i }}{% endfor %}"
        ),
        "13false,22false,31true,none213",
    ),
    (
        (
            "{% for i in (1..6) limit:2 %}{{ i }}{% endfor %}-"
            "{% for i in (1..6) limit:2 offset:continue %}{{ i }}{% endfor %}"
            '{% for p in site.nested %}{{ p[0] }}{% endfor %}{% for c in "abc" %}{{ c }}'
            "{% endfor %}"
        ),
        "12-34aabc",
    ),
    (
        (
            "{% for i in (1..5) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}"
            "{% break %}{% endif %}{{ i }}{% endfor %}"
        ),
        "13",
    ),
    (
        "{% tablerow i in (1..3) cols:2 %}{{ i }}{% endtablerow %}",
        (
            '<tr class="row1">\n<td class="col1">1</td><td class="col2">2</td></tr>\n<tr '
            'class="row2"><td class="col1">3</td></tr>\n'
        ),
    ),
    (
        (
            '{% for i in (1..4) %}{% cycle "a", "b", "c" %}{% endfor %}{% increment n %}'
            "{% increment n %}{% decrement m %}"
        ),
        "abca01-1",
    ),
    (
        (
            "{% capture 'c' %}a{{ 1 }}{% endcapture %}{{ c }}"
            '{% assign f = "a,b" | split: "," %}{{ f[1] }}{{ f[-1] }}{{ f.last }}'
        ),
        "a1bbb",
    ),
    ("a {%- if true -%} b {%- endif -%} c {{- 1 -}} d", "abc1d"),
    (
        "{% raw %}{{ x }} {% if %}{% endraw %}{% comment %} {{ y }} {% endcomment %}z",
        "{{ x }} {% if %}z",
    ),
    (
        (
            '[{% if true %}   {% endif %}][{% if true %} {{ "" }} {% endif %}]['
            "{% for i in (1..2) %} {% endfor %}]"
        ),
        "[][  ][]",
    ),
    (
        '[{{ }}{{ "a" "b" }}{{ foo() }}{{ a ? b : c }}{{ \'a\' + \'b\' }}{{ page["title"] }}]',
        "[aaThird]",
    ),
    ("{{ page.title | nofilter: 1 | upcase }}", "THIRD"),
    (
        (
            '{% assign x = "a" "b" %}{{ x }}{% assign v = page.title|upcase %}{{ v }}'
            '{% if page.title && false %}2{% endif %}{% if (page.title == "Third") %}5'
            "{% endif %}"
        ),
        "aTHIRD25",
    ),
    ("{% for i in site.list | sort limit: 2 %}{{ i }}{% endfor %}", "31"),
    (
        (
            '{% ifchanged %}a{% endifchanged %}{{ (1..3) }} {{ (1..3) | join: "," }} '
            '{{ "a".size }} {{ site["title"] }}'
        ),
        "a1..3 1,2,3 a Times",
    ),
    (
        "{% highlight c++ %}\n\na < b\n\n{% endhighlight %}",
        (
            '<figure class="highlight"><pre><code class="language-c--" data-lang="c++"><span '
            'class="n">a</span><span class="w"> </span><span class="o">&lt;</span><span '
            'class="w"> </span><span class="n">b</span></code></pre></figure>'
        ),
    ),
    (
        (
            "{{ page.url }} {{ page.id }} {{ page.path }} {{ page.collection }} {{ page.slug }} "
            "{{ page.name }} {{ page.categories }}"
        ),
        (
            "/news/big%20day/2026/01/09/third.html /news/big%20day/2026/01/09/third "
            "_posts/2026-01-09-third.html posts third 2026-01-09-third.html newsBig Day"
        ),
    ),
    (
        (
            "{% include i.html a=\"x\" b='y' c-d=page.title %}{{ leak }}{% include i.html %}"
            '{% include outer.html x="deep" %}{% assign n = "i.html" %}{% include {{ n }}'
            ' a="v" %}{{ include.a }}'
        ),
        "[x|y|Third]leaked[|none|]<[deep|in|]deep>[v|none|]",
    ),
    (
        (
            "{% include i.html a=42 b=false c-d=-5 %}{% include i.html a=1.50 b=true c-d=nil %}"
            "{% include i.html a=empty b=007 c-d=12px %}"
        ),
        "[42|none|-5][1.5|true|][|7|]",
    ),
]


@pytest.mark.parametrize(("template", "expected"), JEKYLL)
def test_as_jekyll(template: str, expected: str) -> None:
    """A page has the same text as in Jekyll."""
    path = "_posts/2026-01-09-third.html"
    assert expected == liquid(template, FRONT, files=INCLUDES, path=path).text


ADDRESSES = [
    ("{{ page.url }} {{ page.id }}", "/2026/01/09/third.html /2026/01/09/third"),
    ("{{ site.url }}{{ site.baseurl }}{{ page.url }}", "https://e.com/a/{}/2026/01/09/third.html"),
    ("{{ page.url | absolute_url }}", "https://e.com/a/{}/2026/01/09/third.html"),
]


@pytest.mark.parametrize(("template", "expected"), ADDRESSES)
@pytest.mark.parametrize(("baseurl", "written"), [("", ""), ("/b", "/b"), ("/ö b", "/%C3%B6%20b")])
def test_addresses_below_a_path(template: str, expected: str, baseurl: str, written: str) -> None:
    """If the site's `url` has a path, each part occurs once, with any `baseurl`."""
    config = f"title: x\nurl: https://e.com/a\nbaseurl: {baseurl}\n"
    unescaped = baseurl if "site.baseurl" in template else written
    assert expected.replace("/{}", unescaped) == liquid(template, config=config).text


def test_links_to_posts_below_a_path() -> None:
    """`post_url` and `link` print the base path, without the path of the site's `url`."""
    config = "title: x\nurl: https://e.com/b\n"
    text = liquid(
        "{% post_url 2026-01-08-second %} {% link _posts/2026-01-07-first.md %}", config=config
    ).text
    assert text == "/2026/01/08/second.html /2026/01/07/first.html"


OTHER_POSTS = [
    ("{{ site.posts | map: 'title' | join }} {{ site.posts.size }}", "Third Second First 3"),
    (
        "{% for p in site.posts limit: 1 %}{{ p.url }} {{ p.date | date: '%F %H' }}{% endfor %}",
        "/2026/01/09/third.html 2026-01-09 07",
    ),
    ("{{ site.categories.News.size }} {{ site.categories.None.size }}", "2 "),
    ("{{ site.related_posts | map: 'title' | join }}", "Second First"),
]


@pytest.mark.parametrize(("template", "expected"), OTHER_POSTS)
def test_other_posts(template: str, expected: str) -> None:
    """Other posts can be listed and linked, and their use is recorded."""
    result = liquid(template)
    assert (expected, True, ()) == (result.text, result.uses_posts, result.problems)


@pytest.mark.parametrize(
    ("tag", "name", "expected"),
    [
        ("post_url", "2026-01-08-second", "/b/2026/01/08/second.html"),
        ("link", "_posts/2026-01-07-first.md", "/b/2026/01/07/first.html"),
    ],
)
def test_a_link_to_another_post(tag: str, name: str, expected: str) -> None:
    """The result depends on this post alone."""
    result = liquid(f"{{% {tag} {name} %}}")
    assert (expected, False, ()) == (result.text, result.uses_posts, result.problems)
    assert result.named_posts == {name: OTHERS.find(name)}


NOW = [
    ("{{ site.time }}", "2026-02-02 00:00:00 -0500"),
    ("{{ 'now' | date: '%F' }} {{ 'today' | date: '%Y' }}", "2026-02-02 2026"),
]


@pytest.mark.parametrize(("template", "expected"), NOW)
def test_the_current_time(template: str, expected: str) -> None:
    """It is the beginning of the build's day in the site's zone, and its use is recorded."""
    result = liquid(template)
    assert (expected, True, False) == (result.text, result.uses_day, result.uses_posts)


def test_a_post_that_asks_for_no_other() -> None:
    """Most posts use no others, and need not be rendered again when others change."""
    result = liquid("{{ site.title }} {{ page.title }} {{ page.date }}")
    assert not result.uses_posts
    assert not result.uses_day
    assert len(OTHERS.heads) == 3


FILES = [
    ("about.md", "---\npermalink: /me/\n---\n", "/b/me/"),
    ("about.md", "---\ntitle: x\n---\n", "/b/about.html"),
    ("docs/index.md", "---\n---\n", "/b/docs/"),
    ("a file.pdf", "%PDF", "/b/a%20file.pdf"),
]


@pytest.mark.parametrize(("path", "text", "expected"), FILES)
def test_link_to_a_file(path: str, text: str, expected: str) -> None:
    """`link` prints the permalink of a page, and the path of another file."""
    assert expected == liquid(f"{{% link {path} %}}", files={path: text}).text


MISTAKES = [
    ("a\n{% foo x %}b{% endfoo %}", "a\nb", (6, "unknown tag 'foo'")),
    ("{% if true %}{% foo %}y{% endif %}", "y", (5, "unknown tag 'foo'")),
    ("\n\n{{ 'x' | foo | upcase }}", "X", (7, "unknown filter 'foo'")),
    ("a{% include no.html %}b", "ab", (5, "the include '_includes/no.html' does not exist")),
    ("a{% post_url 2020-01-01-no %}b", "ab", (5, "no published post is named '2020-01-01-no'")),
    (
        "a{% link no.md %}b",
        "ab",
        (5, "'no.md' can't be linked: it is not a published post or a file of the site"),
    ),
    (
        "{{ 1 | divided_by: 0 }}b",
        "b",
        (5, "filter 'divided_by': integer division or modulo by zero"),
    ),
    ("{% if true %}a", "a", (5, "expected tag endif, found end of expression")),
    (
        "{% for x in y %}a{% else %}b{% if true %}c{% endif %}",
        "abc",
        (5, "expected tag endfor, found end of expression"),
    ),
    ("a{% raw %}b", "ab", (5, "raw is never closed")),
    ("a{% comment %}b", "ab", (5, "comment tag was never closed")),
    ("a {{ b", "a {{ b", (5, "{{ is never closed")),
    ("a {% b", "a {% b", (5, "{% is never closed")),
    (
        "a{% highlight %}b{% endhighlight %}c",
        "abc",
        (5, "'highlight' needs a language, not ''"),
    ),
    ("a{% endif %}b", "ab", (5, "unknown tag 'endif'")),
    ("a{% break %}b", "ab", None),
    ("{% capture %}a{% endcapture %}b", "b", (5, "'capture' needs a name")),
    ("{% include %}b", "b", (5, "'include' needs an argument")),
    ("{% include a b %}c", "c", (5, "the parameters of include can't be parsed: b")),
    ("{% include ../a %}b", "b", (5, "'../a' can't be included: invalid file name")),
    ("a{% %}b", "ab", (5, "a tag has no name")),
    ("{% assign x %}b", "b", (5, "expected '=', found end of expression")),
]


@pytest.mark.parametrize(("template", "text", "problem"), MISTAKES)
def test_a_mistake_is_one_problem(
    template: str, text: str, problem: tuple[int, str] | None
) -> None:
    """A mistake is one problem with its line in the file. The text around it stays."""
    result = liquid(template)
    assert text == result.text
    assert ([problem] if problem else []) == [(one.line, one.message) for one in result.problems]
    assert all(one.hint for one in result.problems)


def test_a_mistake_in_an_include() -> None:
    """A mistake in an include is one problem with the path of the included file."""
    result = liquid(
        "{% include a.html %}{% include a.html %}", files={"_includes/a.html": "x\n{{ 1 | foo }}"}
    )
    assert [str(problem) for problem in result.problems] == [
        "_includes/a.html:2: unknown filter 'foo'"
    ]


THEME = {"_includes/figure": '<img src="{{ include.image_path | relative_url }}">'}
FIGURE = '{% include figure image_path="/assets/a.jpg" alt="A" caption="Cap" %}'


def test_an_include_of_the_theme() -> None:
    """The theme has what the site does not have; its folder does not follow `includes_dir`."""
    result = liquid(FIGURE, theme=THEME, config=CONFIG + "includes_dir: parts\n")
    assert (result.text, result.problems) == ('<img src="/b/assets/a.jpg">', ())
    own = {"_includes/figure": "own {% include video %}"}
    assert liquid(FIGURE, files=own, theme=THEME | {"_includes/video": "v"}).text == "own v"


HINTS: list[tuple[str, dict[str, str] | None, str]] = [
    (
        "remote_theme: mmistakes/minimal-mistakes",
        None,
        "if it is the theme's, set source.theme to the folder of mmistakes/minimal-mistakes",
    ),
    ("theme: chirpy", None, "if it is the theme's, set source.theme to the folder of chirpy"),
    ("", None, "add the file to the site; if it is a theme's, set source.theme to its folder"),
    ("theme: x", {}, "add the file to the site: the theme in source.theme does not have it either"),
]


@pytest.mark.parametrize(("setting", "theme", "hint"), HINTS)
def test_a_missing_include_names_the_setting(
    setting: str, theme: dict[str, str] | None, hint: str
) -> None:
    (problem,) = liquid(FIGURE, theme=theme, config=f"{CONFIG}{setting}\n").problems
    assert (problem.message, problem.hint) == (
        "the include '_includes/figure' does not exist",
        hint,
    )
    assert not problem.note


def test_an_include_relative_is_never_the_themes() -> None:
    result = liquid("{% include_relative figure %}", theme={"_posts/figure": "x", **THEME})
    assert result.text == ""


def test_include_relative() -> None:
    """`include_relative` starts in the folder of the post."""
    assert liquid("{% include_relative parts/a.md %}", files={"_posts/parts/a.md": "x"}).text == "x"
